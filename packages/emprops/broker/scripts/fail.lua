-- End an attempt that failed: back off for another one, or give the job up.
--
-- keys: states specs payloads histories leases delayed dead archive events
-- args: id worker attempt code message retryable delay_ms dead_retention_ms ended_listed
-- transitions: retry bury
-- errors: lease_lost
-- returns: the status of the job after it

local attempt = tonumber(arg.attempt)
local state = held(arg.id, arg.worker, attempt)
if not state then
  return stale(arg.id, arg.worker, attempt)
end
end_attempt(arg.id, state, outcome.failed, arg.code, arg.message)
state.used = state.used + 1
state.error = arg.code
state.message = arg.message
local facts = {
  'worker', arg.worker, 'attempt', attempt, 'attempts_used', state.used, 'error', arg.code, 'message', arg.message,
}
if arg.retryable == '1' and state.used < state.max then
  state.status = status.waiting
  state.due = now + arg.delay_ms
  redis.call('ZADD', key.delayed, state.due, arg.id)
  save_state(arg.id, state)
  facts[#facts + 1] = 'due'
  facts[#facts + 1] = state.due
  emit('job.retrying', arg.id, state, facts)
else
  state.status = status.dead
  emit('job.dead', arg.id, state, facts)
  archive(key.archive, arg.id, state, key.dead, tonumber(arg.dead_retention_ms), '')
end
return state.status
