-- Create a webhook subscription, from the newest event on.
--
-- keys: webhooks webhook_secrets webhook_states webhook_leases events
-- args: id record secret customer limit
-- errors: webhook_limit_reached
-- returns: nothing

if redis.call('HLEN', key.webhooks) >= tonumber(arg.limit) then
  return refuse('webhook_limit_reached', { limit = tonumber(arg.limit) })
end
local newest = redis.call('XREVRANGE', key.events, '+', '-', 'COUNT', 1)[1]
local state = {
  position = newest and newest[1] or '0-0', open = {}, delivered = 0, given_up = 0,
  customer = arg.customer ~= '' and arg.customer or nil,
}
redis.call('HSET', key.webhooks, arg.id, arg.record)
redis.call('HSET', key.webhook_secrets, arg.id, arg.secret)
switch_on(arg.id, state, 'created')
save_webhook(arg.id, state)
return 1
