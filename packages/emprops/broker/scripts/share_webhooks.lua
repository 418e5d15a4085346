-- Renew a deliverer's leases of webhook subscriptions, let go of some, and take free ones up to a fair share.
--
-- A lease is free when nobody has it, or when whoever had it fell silent. Each taking gets the next fencing token. The
-- share is the number of subscriptions divided by that of deliverers, rounded up; a deliverer that has more lets go of
-- some when nothing of them is under way, so none is taken from it.
--
-- keys: webhook_leases webhook_deliverers meta
-- args: deliverer lease_ms stay release*
-- returns: the share, then the subscriptions that the deliverer serves, each with its fencing token

local let_go = {}
for _, id in ipairs(arg.release) do
  let_go[id] = true
end
local till = now + arg.lease_ms
local stays = arg.stay == '1'
redis.call('ZREMRANGEBYSCORE', key.webhook_deliverers, '-inf', now)
if stays then
  redis.call('ZADD', key.webhook_deliverers, till, arg.deliverer)
else
  redis.call('ZREM', key.webhook_deliverers, arg.deliverer)
end

local function serve(id, token, deliverer, time)
  redis.call('HSET', key.webhook_leases, id, string.format('%s %s %.0f', token, deliverer, time))
end

local leases = redis.call('HGETALL', key.webhook_leases)
local share = 0
if stays then
  share = math.ceil(#leases / 2 / redis.call('ZCARD', key.webhook_deliverers))
end
local served, free = { share }, {}
for i = 1, #leases, 2 do
  local id = leases[i]
  local token, owner, time = string.match(leases[i + 1], '^(%d+) (%S+) (%d+)$')
  if owner == arg.deliverer then
    if let_go[id] or not stays then
      serve(id, token, '-', 0)
    else
      serve(id, token, owner, till)
      served[#served + 1] = id
      served[#served + 1] = token
    end
  elseif owner == '-' or tonumber(time) <= now then
    free[#free + 1] = id
  end
end
for _, id in ipairs(free) do
  if #served / 2 > share then
    break
  end
  local token = redis.call('HINCRBY', key.meta, 'delivering', 1)
  serve(id, string.format('%d', token), arg.deliverer, till)
  served[#served + 1] = id
  served[#served + 1] = string.format('%d', token)
end
return served
