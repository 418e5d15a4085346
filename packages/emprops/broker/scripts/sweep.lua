-- Let go of what nobody uses any more, and mark the classes of jobs that no worker can run.
--
-- Bounded: at most 100 classes and workflows are let go, and 200 classes with pending jobs looked at, in one call; the next
-- one goes on where it stopped.
--
-- keys: meta classes class_versions class_idle eligible heads bounds pending profile_workers profile_idle workers unrunnable workflows workflow_expiry workflow_jobs events
-- args: unused_ms
-- returns: the profiles that no worker has had for that long, for `forget`

for _, class in ipairs(redis.call('ZRANGE', key.class_idle, '-inf', now - arg.unused_ms, 'BYSCORE', 'LIMIT', 0, 100)) do
  for profile in string.gmatch(redis.call('HGET', key.eligible, class) or '', '(%x+)=') do
    lower(profile, class)
  end
  redis.call('HDEL', key.eligible, class)
  redis.call('HDEL', key.classes, class)
  redis.call('ZREM', key.class_versions, class)
  redis.call('ZREM', key.class_idle, class)
end

for _, workflow in ipairs(redis.call('ZRANGE', key.workflow_expiry, '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('HDEL', key.workflows, workflow)
  redis.call('ZREM', key.workflow_expiry, workflow)
  redis.call('ZREMRANGEBYLEX', key.workflow_jobs, '[' .. workflow .. ' ', '[' .. workflow .. ' \255')
end

local live = redis.call('HGETALL', key.profile_workers)
local judged_by_all = math.huge
for index = 1, #live, 2 do
  judged_by_all = math.min(judged_by_all, tonumber(redis.call('HGET', key.meta, live[index]) or 0))
end

-- Workers of a profile that may take jobs of a class: all but those that the class excludes by id.
local function takers(profile, excluded)
  local count = tonumber(redis.call('HGET', key.profile_workers, profile) or 0)
  for _, worker in ipairs(excluded) do
    local record = redis.call('HGET', key.workers, worker)
    if record and string.sub(record, 1, 16) == profile then
      count = count - 1
    end
  end
  return count
end

local function is_runnable(class)
  local excluded = {}
  if string.sub(class, 1, 1) == 'x' then
    excluded = cjson.decode(redis.call('HGET', key.classes, class)).excluded_workers
  end
  for profile in string.gmatch(redis.call('HGET', key.eligible, class) or '', '(%x+)=') do
    if takers(profile, excluded) > 0 then
      return true
    end
  end
  -- A live profile that has not judged the class yet may still turn out able.
  return tonumber(redis.call('ZSCORE', key.class_versions, class)) > judged_by_all
end

local function mark(class, runnable)
  local marked = redis.call('ZSCORE', key.unrunnable, class)
  if runnable and marked then
    redis.call('ZREM', key.unrunnable, class)
    append_event({ 'type', 'class.runnable', 'at', now, 'class_id', class })
  elseif not runnable and not marked then
    redis.call('ZADD', key.unrunnable, now, class)
    append_event({ 'type', 'class.unrunnable', 'at', now, 'class_id', class })
  end
end

for _, class in ipairs(redis.call('ZRANGE', key.unrunnable, 0, 199)) do
  if not first_of(key.pending, class) then
    mark(class, true)
  end
end
local from = redis.call('HGET', key.meta, 'swept') or ''
for _ = 1, 200 do
  local after = from == '' and '-' or '(' .. from .. '\255'
  local first = redis.call('ZRANGE', key.pending, after, '+', 'BYLEX', 'LIMIT', 0, 1)[1]
  if not first then
    from = ''
    break
  end
  from = string.sub(first, 1, 16)
  mark(from, is_runnable(from))
end
redis.call('HSET', key.meta, 'swept', from)
return redis.call('ZRANGE', key.profile_idle, '-inf', now - arg.unused_ms, 'BYSCORE', 'LIMIT', 0, 10)
