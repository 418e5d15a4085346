-- Put a dead letter back into the queue, with new attempts, at its old place in the order.
--
-- Its history stays. Its queue and total timeouts do not apply any more: they have passed or are beside the point.
--
-- keys: meta classes class_versions class_open class_idle customers customer_jobs workflows workflow_expiry workflow_jobs states requests histories pending heads bounds eligible idle deadlines dead archive events
-- args: id owner class requirements workflow_ms
-- transitions: revive
-- errors: job_not_found job_not_dead
-- returns: the profiles to wake

local archived = redis.call('HGET', key.archive, 'state') or redis.call('HGET', key.states, arg.id)
local state = archived and cjson.decode(archived)
if not state or of_another(state) then
  return refuse('job_not_found', { job_id = arg.id })
end
if state.status ~= status.dead then
  return refuse('job_not_dead', { job_id = arg.id, status = state.status })
end
state.place = arg.class .. string.sub(state.place, 17)
state.status = status.pending
state.used = 0
state.since = now
state.queue_by = nil
state.total_by = nil
local kept = redis.call('HMGET', key.archive, 'spec', 'payload', 'history')
local spec, payload, history = kept[1], kept[2], kept[3]
redis.call('HSET', key.requests, arg.id, spec, arg.id .. ' payload', payload)
if history ~= '' then
  redis.call('HSET', key.histories, arg.id, history)
end
redis.call('DEL', key.archive)
redis.call('ZREM', key.dead, arg.id)
save_state(arg.id, state)
set_deadline(arg.id, state)
enter_class(arg.class, arg.requirements)
enter_customer(arg.id, state)
if state.workflow then
  local record = load_workflow(state.workflow) or {
    time = tonumber(string.sub(state.place, 19, 30), 16), keep = tonumber(arg.workflow_ms),
    open = 0, completed = 0, dead = 1, cancelled = 0, customer = state.customer,
  }
  record.dead = record.dead - 1
  enter_workflow(arg.id, state, record)
end
enqueue(arg.id, state.place)
emit('job.revived', arg.id, state, {})
return wakes()
