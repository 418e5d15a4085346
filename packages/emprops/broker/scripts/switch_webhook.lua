-- Enable or disable a webhook subscription; one that is so already stays as it is.
--
-- Enabling gives every open event all its attempts anew, at once.
--
-- keys: webhook_states webhook_leases events
-- args: id enabled message
-- errors: webhook_not_found
-- returns: whether it was changed

local state = load_webhook(arg.id)
if not state then
  return refuse('webhook_not_found', { webhook_id = arg.id })
end
if state.enabled == (arg.enabled == '1') then
  return 0
end
if state.enabled then
  switch_off(arg.id, state, 'asked', arg.message)
else
  switch_on(arg.id, state, 'asked')
end
save_webhook(arg.id, state)
return 1
