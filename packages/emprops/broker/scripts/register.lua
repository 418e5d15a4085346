-- Make a worker known, with its profile.
--
-- A process that registers again only renews its record. Another process with the same id is refused while the first
-- one's record has not expired.
--
-- keys: workers worker_expiry claims profiles profile_workers profile_idle idle events
-- args: worker profile instance capabilities record expiry_ms
-- errors: worker_in_use
-- returns: whether the worker is new

local before = redis.call('HGET', key.workers, arg.worker)
local expiry = tonumber(redis.call('ZSCORE', key.worker_expiry, arg.worker) or 0)
if before and expiry > now and string.sub(before, 17, 32) ~= arg.instance then
  return refuse('worker_in_use', { worker_id = arg.worker, free_in_ms = expiry - now })
end
if before then
  redis.call('ZREM', key.idle, string.sub(before, 1, 16) .. arg.worker)
  leave_profile(string.sub(before, 1, 16))
end
join_profile(arg.profile)
redis.call('HSET', key.profiles, arg.profile, arg.capabilities)
redis.call('HSET', key.workers, arg.worker, arg.profile .. arg.instance .. arg.record)
local claimed = redis.call('HGET', key.claims, arg.worker) or ''
redis.call('HSET', key.claims, arg.worker, arg.profile .. string.sub(claimed, 17))
redis.call('ZADD', key.worker_expiry, now + arg.expiry_ms, arg.worker)
if before and string.sub(before, 1, 32) == arg.profile .. arg.instance then
  return 0
end
append_event({ 'type', 'worker.registered', 'at', now, 'worker', arg.worker, 'profile', arg.profile })
return 1
