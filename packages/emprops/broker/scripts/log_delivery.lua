-- Record a test delivery of a webhook subscription in its log.
--
-- keys: webhook_states webhook_log
-- args: id entry log_entries log_ms
-- errors: webhook_not_found
-- returns: nothing

if not load_webhook(arg.id) then
  return refuse('webhook_not_found', { webhook_id = arg.id })
end
log_attempt(key.webhook_log, 'tested', arg.entry)
return 1
