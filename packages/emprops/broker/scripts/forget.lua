-- Forget a profile that no worker has: its verdicts on a page of classes, and at the end the profile.
--
-- A profile that has a worker again is left alone; what was forgotten of it is judged anew, since its version went first.
--
-- keys: meta eligible heads bounds profiles profile_workers profile_idle
-- args: profile last classes*
-- returns: whether the profile still has no worker

if redis.call('HEXISTS', key.profile_workers, arg.profile) == 1 then
  return 0
end
redis.call('HDEL', key.meta, arg.profile)
for _, class in ipairs(arg.classes) do
  local known = redis.call('HGET', key.eligible, class)
  if known then
    local left = string.gsub(known, ' ' .. arg.profile .. '=%d+', '')
    if left == '' then
      redis.call('HDEL', key.eligible, class)
    else
      redis.call('HSET', key.eligible, class, left)
    end
    lower(arg.profile, class)
  end
end
if arg.last == '1' then
  redis.call('HDEL', key.profiles, arg.profile)
  redis.call('ZREM', key.profile_idle, arg.profile)
end
return 1
