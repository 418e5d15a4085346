-- Put one job into the queue, once.
--
-- The same idempotency key or job id with the same content finds the job that exists; with other content it is refused.
-- A class that is seen for the first time gets the next version; every idle profile is woken to judge it.
--
-- keys: meta classes class_versions eligible pending heads bounds states specs payloads delayed idle events archive idempotency workflow
-- args: id class requirements spec payload digest priority delay max_attempts customer workflow workflow_ms idempotency_ms
-- transitions: submit schedule
-- errors: job_exists idempotency_conflict
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

if not redis.call('ZSCORE', key.class_versions, arg.class) then
  local version = redis.call('HINCRBY', key.meta, 'version', 1)
  redis.call('ZADD', key.class_versions, version, arg.class)
  redis.call('HSET', key.classes, arg.class, arg.requirements)
  for _, member in ipairs(redis.call('ZRANGE', key.idle, 0, 999)) do
    woken[string.sub(member, 1, 16)] = true
  end
end

local time = now
if arg.workflow ~= '' then
  time = tonumber(redis.call('GET', key.workflow) or now)
  redis.call('SET', key.workflow, time, 'PX', arg.workflow_ms)
end
local sequence = redis.call('HINCRBY', key.meta, 'sequence', 1)
local order = string.format('%02x%012x%010x', 100 - arg.priority, time, sequence)
state = {
  place = arg.class .. order, attempt = 0, used = 0, max = tonumber(arg.max_attempts),
  created = now, since = now, digest = arg.digest,
}
if arg.customer ~= '' then
  state.customer = arg.customer
end
if arg.workflow ~= '' then
  state.workflow = arg.workflow
end
redis.call('HSET', key.specs, arg.id, arg.spec)
redis.call('HSET', key.payloads, arg.id, arg.payload)
if arg.idempotency_ms ~= '' then
  redis.call('SET', key.idempotency, arg.id .. ' ' .. arg.digest, 'PX', arg.idempotency_ms)
end

if tonumber(arg.delay) > 0 then
  state.status = status.waiting
  state.due = now + arg.delay
  save_state(arg.id, state)
  redis.call('ZADD', key.delayed, state.due, arg.id)
  for profile in string.gmatch(redis.call('HGET', key.eligible, arg.class) or '', '(%x+)=') do
    woken[profile] = true
  end
  emit('job.scheduled', arg.id, state, { 'class_id', arg.class, 'order', order, 'due', state.due })
else
  state.status = status.pending
  save_state(arg.id, state)
  enqueue(arg.id, state.place)
  emit('job.submitted', arg.id, state, { 'class_id', arg.class, 'order', order })
end
return { 1, arg.id, wakes() }
