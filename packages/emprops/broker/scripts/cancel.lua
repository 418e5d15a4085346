-- Call a job off, wherever it stands.
--
-- A running job ends at once: its lease is gone, and whatever its worker still reports is refused.
--
-- keys: states requests histories leases pending delayed deadlines finished archive events class_open class_idle customers customer_jobs workflows workflow_expiry
-- args: id owner message retention_ms ended_listed
-- transitions: cancel
-- errors: job_not_found job_finished
-- returns: the worker that ran the job and its attempt, or nothing

local text = redis.call('HGET', key.states, arg.id) or redis.call('HGET', key.archive, 'state')
local state = text and cjson.decode(text)
if not state or of_another(state) then
  return refuse('job_not_found', { job_id = arg.id })
end
if state.status == status.completed or state.status == status.dead or state.status == status.cancelled then
  return refuse('job_finished', { job_id = arg.id, status = state.status })
end
local told = {}
local facts = { 'message', arg.message }
if state.status == status.running then
  told = { state.worker, state.attempt }
  facts[#facts + 1] = 'worker'
  facts[#facts + 1] = state.worker
  end_attempt(arg.id, state, outcome.cancelled, nil, arg.message)
elseif state.status == status.pending then
  redis.call('ZREM', key.pending, state.place .. arg.id)
else
  redis.call('ZREM', key.delayed, arg.id)
end
state.status = status.cancelled
state.since = now
state.due = nil
state.message = arg.message
emit('job.cancelled', arg.id, state, facts)
archive(key.archive, arg.id, state, key.finished, tonumber(arg.retention_ms), '')
return told
