-- How many registered workers each profile has.

local function join_profile(profile)
  redis.call('HINCRBY', key.profile_workers, profile, 1)
  redis.call('ZREM', key.profile_idle, profile)
end

local function leave_profile(profile)
  if redis.call('HINCRBY', key.profile_workers, profile, -1) < 1 then
    redis.call('HDEL', key.profile_workers, profile)
    redis.call('ZADD', key.profile_idle, now, profile)
  end
end

local function remove_worker(worker, record)
  redis.call('HDEL', key.workers, worker)
  redis.call('ZREM', key.worker_expiry, worker)
  redis.call('HDEL', key.claims, worker)
  redis.call('HDEL', key.turns, worker)
  redis.call('ZREM', key.idle, string.sub(record, 1, 16) .. worker)
  leave_profile(string.sub(record, 1, 16))
end
