-- Put one job into the queue, once.
--
-- The same idempotency key or job id with the same content finds the job that exists; with other content it is refused. A
-- workflow belongs to the customer of its first job, or to nobody.
-- A class that is seen for the first time gets the next version; every idle profile is woken to judge it. The limits on open
-- jobs hold for new jobs only; 0 stands for none, as it does for a timeout.
--
-- keys: meta classes class_versions class_open class_idle customers customer_jobs workflows workflow_expiry workflow_jobs eligible pending heads bounds states requests delayed deadlines idle events archive idempotency
-- args: id class requirements spec payload digest priority delay max_attempts customer workflow workflow_ms idempotency_ms queue_limit customer_limit queue_timeout_ms run_timeout_ms total_timeout_ms
-- transitions: submit schedule
-- errors: job_exists idempotency_conflict queue_full customer_limit_reached workflow_cancelled workflow_taken
-- returns: whether the job is new, its id, and the profiles to wake

local function existing(id, digest, code)
  if digest ~= arg.digest then
    return refuse(code, { job_id = id })
  end
  return { 0, id, {} }
end

if arg.idempotency_ms ~= '' then
  local known = redis.call('GET', key.idempotency)
  if known then
    local id, digest = string.match(known, '^(%S+) (%S+)$')
    return existing(id, digest, 'idempotency_conflict')
  end
end
local state = load_state(arg.id)
if not state then
  local archived = redis.call('HGET', key.archive, 'state')
  state = archived and cjson.decode(archived)
end
if state then
  return existing(arg.id, state.digest, 'job_exists')
end

local function over(limit, open)
  return tonumber(limit) > 0 and tonumber(open or 0) >= tonumber(limit)
end

if over(arg.queue_limit, redis.call('HLEN', key.states)) then
  return refuse('queue_full', { limit = tonumber(arg.queue_limit) })
end
if arg.customer ~= '' and over(arg.customer_limit, redis.call('HGET', key.customers, arg.customer)) then
  return refuse('customer_limit_reached', { customer = arg.customer, limit = tonumber(arg.customer_limit) })
end
local customer = arg.customer ~= '' and arg.customer or nil
local workflow = nil
if arg.workflow ~= '' then
  workflow = load_workflow(arg.workflow)
    or { time = now, open = 0, completed = 0, dead = 0, cancelled = 0, customer = customer }
  workflow.keep = tonumber(arg.workflow_ms)
  if workflow.customer ~= customer then
    return refuse('workflow_taken', { workflow = arg.workflow })
  end
  if workflow.closed then
    return refuse('workflow_cancelled', { workflow = arg.workflow })
  end
end

local function after(time, limit_ms)
  return tonumber(limit_ms) > 0 and time + limit_ms or nil
end

local due = now + arg.delay
local sequence = redis.call('HINCRBY', key.meta, 'sequence', 1)
local order = string.format('%02x%012x%010x', 100 - arg.priority, workflow and workflow.time or now, sequence)
state = {
  place = arg.class .. order, attempt = 0, used = 0, max = tonumber(arg.max_attempts),
  created = now, since = now, digest = arg.digest,
  customer = customer,
  workflow = arg.workflow ~= '' and arg.workflow or nil,
  queue_by = after(due, arg.queue_timeout_ms),
  run_ms = after(0, arg.run_timeout_ms),
  total_by = after(now, arg.total_timeout_ms),
}
enter_class(arg.class, arg.requirements)
enter_customer(arg.id, state)
if workflow then
  enter_workflow(arg.id, state, workflow)
end
redis.call('HSET', key.requests, arg.id, arg.spec, arg.id .. ' payload', arg.payload)
if arg.idempotency_ms ~= '' then
  redis.call('SET', key.idempotency, arg.id .. ' ' .. arg.digest, 'PX', arg.idempotency_ms)
end

if tonumber(arg.delay) > 0 then
  state.status = status.waiting
  state.due = due
  save_state(arg.id, state)
  set_deadline(arg.id, state)
  delay(arg.id, state.due)
  for profile in string.gmatch(redis.call('HGET', key.eligible, arg.class) or '', '(%x+)=') do
    woken[profile] = true
  end
  emit('job.scheduled', arg.id, state, { 'class_id', arg.class, 'order', order, 'due', state.due })
else
  state.status = status.pending
  save_state(arg.id, state)
  set_deadline(arg.id, state)
  enqueue(arg.id, state.place)
  emit('job.submitted', arg.id, state, { 'class_id', arg.class, 'order', order })
end
return { 1, arg.id, wakes() }
