-- The bounds in `heads`: what each profile may at best expect of each class.

-- The order key as one profile sees it: its time is moved forward by the profile's affinity for the class.
local function shifted(order, bonus)
  if bonus == '0' then
    return order
  end
  local time = math.max(tonumber(string.sub(order, 3, 14), 16) - bonus, 0)
  return string.sub(order, 1, 2) .. string.format('%012x', time) .. string.sub(order, 15)
end

local function raise(profile, class, bound, bonus)
  local before = redis.call('HGET', key.bounds, profile .. class)
  local standing = before and string.sub(before, 1, 24)
  if standing and standing <= bound then
    return
  end
  if standing then
    redis.call('ZREM', key.heads, profile .. standing .. class .. string.sub(before, 25))
  end
  redis.call('ZADD', key.heads, 0, profile .. bound .. class .. bonus)
  redis.call('HSET', key.bounds, profile .. class, bound .. bonus)
end

local function lower(profile, class)
  local before = redis.call('HGET', key.bounds, profile .. class)
  if before then
    redis.call('ZREM', key.heads, profile .. string.sub(before, 1, 24) .. class .. string.sub(before, 25))
    redis.call('HDEL', key.bounds, profile .. class)
  end
end

local function first_of(name, prefix)
  return redis.call('ZRANGE', name, '[' .. prefix, '[' .. prefix .. '\255', 'BYLEX', 'LIMIT', 0, 1)[1]
end
