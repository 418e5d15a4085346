-- Record an attempt to deliver an event to a webhook subscription, and decide what follows.
--
-- A delivered event is closed. A failed one is tried again while it has attempts. After the last one it is given up if
-- anything got through since it was taken up; otherwise the endpoint counts as broken, and the subscription is disabled
-- with the event still open. An endpoint that says 410 disables it at once.
--
-- keys: webhook_states webhook_bodies webhook_leases webhook_log events
-- args: id token event result attempts wait_ms message entry log_entries log_ms
-- errors: webhook_lease_lost
-- returns: the outcome

if not is_served_by(arg.id, arg.token) then
  return refuse('webhook_lease_lost', { webhook_id = arg.id })
end
local state = load_webhook(arg.id)
local open = state.open[arg.event]
if not open then
  return refuse('webhook_lease_lost', { webhook_id = arg.id })
end

local function close_event()
  state.open[arg.event] = nil
  redis.call('HDEL', key.webhook_bodies, arg.id .. ' ' .. arg.event)
end

local said
if arg.result == 'delivered' then
  close_event()
  state.delivered = state.delivered + 1
  state.success = now
  said = 'delivered'
else
  state.failure = now
  open.attempts = open.attempts + 1
  if arg.result == 'gone' then
    switch_off(arg.id, state, 'gone', arg.message)
    said = 'disabled'
  elseif open.attempts < tonumber(arg.attempts) then
    open.due = now + arg.wait_ms
    said = 'retrying'
  elseif state.success and state.success >= open.since then
    close_event()
    state.given_up = state.given_up + 1
    said = 'given_up'
  else
    switch_off(arg.id, state, 'exhausted', arg.message)
    said = 'disabled'
  end
end
log_attempt(key.webhook_log, said, arg.entry)
save_webhook(arg.id, state)
return said
