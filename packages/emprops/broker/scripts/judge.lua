-- Record which of the classes that are new to a profile its workers can run.
--
-- The worker has applied the matching criteria; this only stores the outcome and raises the bounds of waiting classes.
-- Two workers of a profile may judge at the same time: the second changes nothing.
--
-- keys: meta class_versions eligible pending heads bounds
-- args: profile from to classes*
-- returns: whether this call moved the profile forward

local judged = tonumber(redis.call('HGET', key.meta, arg.profile) or 0)
if judged ~= tonumber(arg.from) then
  return 0
end
for _, verdict in ipairs(arg.classes) do
  local class, bonus = string.match(verdict, '^(%w+)=(%d+)$')
  local known = redis.call('HGET', key.eligible, class) or ''
  local exists = redis.call('ZSCORE', key.class_versions, class)
  if exists and not string.find(known, arg.profile, 1, true) then
    redis.call('HSET', key.eligible, class, known .. ' ' .. arg.profile .. '=' .. bonus)
    local head = first_of(key.pending, class)
    if head then
      raise(arg.profile, class, shifted(string.sub(head, 17, 40), bonus), bonus)
    end
  end
end
redis.call('HSET', key.meta, arg.profile, arg.to)
return 1
