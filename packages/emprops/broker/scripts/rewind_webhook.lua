-- Set a webhook subscription to another place in the stream, so that it gets the events from there on once more.
--
-- What is open stays open. An event that is open already is not taken up a second time.
--
-- keys: webhook_states events
-- args: id after
-- errors: webhook_not_found
-- returns: nothing

local state = load_webhook(arg.id)
if not state then
  return refuse('webhook_not_found', { webhook_id = arg.id })
end
state.position = arg.after
save_webhook(arg.id, state)
emit_webhook('webhook.replayed', arg.id, state, { 'after', arg.after })
return 1
