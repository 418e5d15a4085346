-- Find what time has run out on: due jobs, silent workers, expired leases, passed deadlines.
--
-- Any process may call it, as often as it likes; within the interval it does nothing. Due jobs and silent workers are dealt
-- with at once; the jobs that it names go to `expire`, with their archive keys.
--
-- keys: meta states leases pending heads bounds eligible idle delayed deadlines workers worker_expiry claims turns profile_workers profile_idle events
-- args: interval_ms
-- transitions: ready
-- returns: whether it looked, ids of jobs whose lease or deadline has passed, and the profiles to wake

local last = tonumber(redis.call('HGET', key.meta, 'reaped') or 0)
if now - last < tonumber(arg.interval_ms) and now >= last then
  return { 0, {}, {} }
end
redis.call('HSET', key.meta, 'reaped', now)
promote(100)
for _, worker in ipairs(redis.call('ZRANGE', key.worker_expiry, '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
  remove_worker(worker, redis.call('HGET', key.workers, worker))
  append_event({ 'type', 'worker.lost', 'at', now, 'worker', worker })
end
local ids = redis.call('ZRANGE', key.leases, '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)
local named = {}
for _, id in ipairs(ids) do
  named[id] = true
end
for _, id in ipairs(redis.call('ZRANGE', key.deadlines, '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
  if not named[id] then
    ids[#ids + 1] = id
  end
end
return { 1, ids, wakes() }
