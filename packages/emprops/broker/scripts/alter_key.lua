-- Replace the record of an API key, unless somebody has changed it meanwhile.
--
-- An empty text stands for no record: before, for a new key; after, for one that goes.
--
-- keys: api_keys
-- args: id before after limit
-- errors: api_key_limit_reached
-- returns: whether it was replaced

if (redis.call('HGET', key.api_keys, arg.id) or '') ~= arg.before then
  return 0
end
if arg.after == '' then
  redis.call('HDEL', key.api_keys, arg.id)
  return 1
end
if arg.before == '' and redis.call('HLEN', key.api_keys) >= tonumber(arg.limit) then
  return refuse('api_key_limit_reached', { limit = tonumber(arg.limit) })
end
redis.call('HSET', key.api_keys, arg.id, arg.after)
return 1
