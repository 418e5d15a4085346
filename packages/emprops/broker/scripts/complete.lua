-- End a job with its result, and give its worker the next jobs in the same step.
--
-- A report that was sent twice, since its answer was lost, is accepted twice and recorded once; the claim in it gives
-- the same jobs again.
--
-- keys: states requests histories leases finished archive events meta claims idle pending heads bounds eligible classes class_open class_idle customers customer_jobs workflows workflow_expiry delayed deadlines
-- args: id worker attempt result retention_ms ended_listed ticket count lease_ms
-- transitions: complete claim ready
-- errors: lease_lost
-- returns: whether this call recorded the result, then what `claim` answers, or nothing if no job was asked for

local attempt = tonumber(arg.attempt)
local state = held(arg.id, arg.worker, attempt)
local recorded = 0
if state then
  end_attempt(arg.id, state, outcome.completed)
  state.status = status.completed
  state.progress = 1
  state.error = nil
  state.message = nil
  emit('job.completed', arg.id, state, { 'worker', arg.worker, 'attempt', attempt })
  archive(key.archive, arg.id, state, key.finished, tonumber(arg.retention_ms), arg.result)
  recorded = 1
else
  local archived = redis.call('HGET', key.archive, 'state')
  local ended = archived and cjson.decode(archived)
  if not (ended and ended.status == status.completed and ended.worker == arg.worker and ended.attempt == attempt) then
    return stale(arg.id, arg.worker, attempt)
  end
end
local count = tonumber(arg.count)
return { recorded, count > 0 and claim_jobs(arg.worker, arg.ticket, count, arg.lease_ms) or {} }
