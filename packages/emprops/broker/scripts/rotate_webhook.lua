-- Give a webhook subscription a new secret; the one before it signs as well for a while.
--
-- keys: webhook_secrets
-- args: id secret overlap_ms
-- errors: webhook_not_found
-- returns: until when the old secret signs, in ms

local known = redis.call('HGET', key.webhook_secrets, arg.id)
if not known then
  return refuse('webhook_not_found', { webhook_id = arg.id })
end
local until_ms = now + arg.overlap_ms
redis.call('HSET', key.webhook_secrets, arg.id,
  arg.secret .. ' ' .. string.match(known, '^%S+') .. ' ' .. string.format('%.0f', until_ms))
return until_ms
