-- Delete a webhook subscription, with its secret, its open events and its log.
--
-- keys: webhooks webhook_secrets webhook_states webhook_bodies webhook_leases webhook_log
-- args: id
-- errors: webhook_not_found
-- returns: nothing

local state = load_webhook(arg.id)
if not state then
  return refuse('webhook_not_found', { webhook_id = arg.id })
end
for event in pairs(state.open) do
  redis.call('HDEL', key.webhook_bodies, arg.id .. ' ' .. event)
end
redis.call('HDEL', key.webhooks, arg.id)
redis.call('HDEL', key.webhook_secrets, arg.id)
redis.call('HDEL', key.webhook_states, arg.id)
redis.call('HDEL', key.webhook_leases, arg.id)
redis.call('DEL', key.webhook_log)
return 1
