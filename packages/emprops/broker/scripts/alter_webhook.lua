-- Replace what a webhook subscription asks for, unless somebody has changed it meanwhile.
--
-- keys: webhooks
-- args: id before after
-- returns: whether it was replaced

if redis.call('HGET', key.webhooks, arg.id) ~= arg.before then
  return 0
end
redis.call('HSET', key.webhooks, arg.id, arg.after)
return 1
