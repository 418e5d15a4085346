-- End a job with its result.
--
-- A report that was sent twice, since its answer was lost, is accepted twice and recorded once.
--
-- keys: states specs payloads histories leases finished archive events
-- args: id worker attempt result retention_ms ended_listed
-- transitions: complete
-- errors: lease_lost
-- returns: whether this call recorded the result

local attempt = tonumber(arg.attempt)
local state = held(arg.id, arg.worker, attempt)
if not state then
  local archived = redis.call('HGET', key.archive, 'state')
  local ended = archived and cjson.decode(archived)
  if ended and ended.status == status.completed and ended.worker == arg.worker and ended.attempt == attempt then
    return 0
  end
  return stale(arg.id, arg.worker, attempt)
end
end_attempt(arg.id, state, outcome.completed)
state.status = status.completed
state.progress = 1
state.error = nil
state.message = nil
emit('job.completed', arg.id, state, { 'worker', arg.worker, 'attempt', attempt })
archive(key.archive, arg.id, state, key.finished, tonumber(arg.retention_ms), arg.result)
return 1
