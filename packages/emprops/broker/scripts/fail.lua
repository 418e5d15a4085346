-- End an attempt that failed: back off for another one, or give the job up.
--
-- A job that avoids workers where it failed goes on in a class that excludes them: the class, its requirements and the
-- job's new specification come with the report.
--
-- keys: states requests histories leases delayed deadlines dead archive events meta classes class_versions class_open class_idle idle customers customer_jobs workflows workflow_expiry
-- args: id worker attempt code message retryable delay_ms dead_retention_ms ended_listed class requirements spec
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
  delay(arg.id, state.due)
  if arg.class ~= '' then
    leave_class(string.sub(state.place, 1, 16))
    enter_class(arg.class, arg.requirements)
    state.place = arg.class .. string.sub(state.place, 17)
    redis.call('HSET', key.requests, arg.id, arg.spec)
  end
  save_state(arg.id, state)
  set_deadline(arg.id, state)
  facts[#facts + 1] = 'due'
  facts[#facts + 1] = state.due
  emit('job.retrying', arg.id, state, facts)
else
  state.status = status.dead
  emit('job.dead', arg.id, state, facts)
  archive(key.archive, arg.id, state, key.dead, tonumber(arg.dead_retention_ms), '')
end
return state.status
