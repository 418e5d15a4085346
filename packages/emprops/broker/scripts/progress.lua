-- Note how far a running job is.
--
-- At most one event in each interval; a value that comes sooner is kept and shown with the next one, or before the
-- attempt ends, so that the last value always gets through.
--
-- keys: states events
-- args: id worker attempt fraction message interval_ms
-- errors: lease_lost
-- returns: ms until a value that was kept back may be sent again; 0 if it was shown

local state = held(arg.id, arg.worker, tonumber(arg.attempt))
if not state then
  return stale(arg.id, arg.worker, tonumber(arg.attempt))
end
state.progress = tonumber(arg.fraction)
state.progress_message = arg.message
local wait = (state.shown or 0) + arg.interval_ms - now
if wait > 0 then
  state.unshown = true
else
  wait = 0
  show_progress(arg.id, state)
end
save_state(arg.id, state)
return wait
