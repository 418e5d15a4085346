-- Give a running job back without using an attempt.
--
-- keys: states histories leases deadlines pending heads bounds eligible idle events
-- args: id worker attempt message
-- transitions: release
-- errors: lease_lost
-- returns: the profiles to wake

local attempt = tonumber(arg.attempt)
local state = held(arg.id, arg.worker, attempt)
if not state then
  return stale(arg.id, arg.worker, attempt)
end
end_attempt(arg.id, state, outcome.released, nil, arg.message)
state.status = status.pending
save_state(arg.id, state)
set_deadline(arg.id, state)
enqueue(arg.id, state.place)
emit('job.released', arg.id, state, { 'worker', arg.worker, 'attempt', attempt, 'message', arg.message })
return wakes()
