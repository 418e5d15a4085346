-- Giving a worker the first jobs in the order that it can run: what `claim` does, and `complete` at its end.

-- What stands in `claims`, after its profile, for a worker whose latest claim gave nothing, and which therefore stands in
-- `idle`.
local IDLE = 'idle'

-- Whether a class that excludes workers by id excludes this one; the ids of such classes begin with an x.
local function excludes(class, worker)
  if string.sub(class, 1, 1) ~= 'x' then
    return false
  end
  for _, excluded in ipairs(cjson.decode(redis.call('HGET', key.classes, class)).excluded_workers) do
    if excluded == worker then
      return true
    end
  end
  return false
end

local function hand_over(id, state, lease)
  local request = redis.call('HMGET', key.requests, id, id .. ' payload')
  return { id, state.attempt, state.used, lease, request[1], request[2] }
end

-- The jobs of the worker's latest claim: its answer was lost, and is given again.
local function repeated(before)
  local jobs = {}
  for id, attempt in string.gmatch(before, '(%S+)=(%d+)') do
    local state = load_state(id)
    if state and state.status == status.running and state.attempt == tonumber(attempt) then
      jobs[#jobs + 1] = hand_over(id, state, redis.call('ZSCORE', key.leases, id))
    end
  end
  return jobs
end

local function move_bound(profile, class, top, bound, bonus)
  redis.call('ZREM', key.heads, top)
  redis.call('ZADD', key.heads, 0, profile .. bound .. class .. bonus)
  redis.call('HSET', key.bounds, profile .. class, bound .. bonus)
end

-- The top of `heads` for the profile is a bound on the best class: if it is stale it is corrected and the next top is
-- looked at, else the first job of that class is taken and the bound moved to the next. Each stale bound is corrected
-- once.
local function take_one(worker, profile, lease_ms)
  local from = '[' .. profile
  for _ = 1, 1000 do
    local top = redis.call('ZRANGE', key.heads, from, '[' .. profile .. '\255', 'BYLEX', 'LIMIT', 0, 1)[1]
    if not top then
      return nil, false
    end
    local standing, class, bonus = string.sub(top, 17, 40), string.sub(top, 41, 56), string.sub(top, 57)
    local first = redis.call('ZRANGE', key.pending, '[' .. class, '[' .. class .. '\255', 'BYLEX', 'LIMIT', 0, 2)
    local head = first[1]
    if not head then
      redis.call('ZREM', key.heads, top)
      redis.call('HDEL', key.bounds, profile .. class)
    else
      local bound = shifted(string.sub(head, 17, 40), bonus)
      if bound ~= standing then
        move_bound(profile, class, top, bound, bonus)
      elseif excludes(class, worker) then
        from = '(' .. top
      else
        local id = string.sub(head, 41)
        local state = load_state(id)
        state.status = status.running
        state.attempt = state.attempt + 1
        state.worker = worker
        state.since = now
        redis.call('ZREM', key.pending, head)
        if first[2] then
          move_bound(profile, class, top, shifted(string.sub(first[2], 17, 40), bonus), bonus)
        end
        redis.call('ZADD', key.leases, now + lease_ms, id)
        save_state(id, state)
        set_deadline(id, state)
        emit('job.claimed', id, state, { 'worker', worker, 'attempt', state.attempt })
        return hand_over(id, state, tostring(now + lease_ms)), false
      end
    end
  end
  return nil, true
end

local function claim_jobs(worker, ticket, count, lease_ms)
  local known = redis.call('HGET', key.claims, worker)
  if not known then
    return { 'unregistered' }
  end
  local profile, before = string.sub(known, 1, 16), string.sub(known, 17)
  if before == IDLE then
    redis.call('ZREM', key.idle, profile .. worker)
  elseif string.sub(before, 1, #ticket + 1) == ticket .. ' ' then
    return { 'jobs', repeated(before), {}, -1 }
  end
  local facts = redis.call('HMGET', key.meta, profile, 'version', 'due')
  local judged, version, due = tonumber(facts[1] or 0), tonumber(facts[2] or 0), tonumber(facts[3])
  if judged < version then
    return { 'sync', judged, version }
  end
  if due and due <= now then
    due = promote(100)
  end
  local jobs, job, more = {}, nil, false
  local kept = profile .. ticket
  while #jobs < count do
    job, more = take_one(worker, profile, lease_ms)
    if not job then
      break
    end
    jobs[#jobs + 1] = job
    kept = kept .. ' ' .. job[1] .. '=' .. job[2]
  end
  if #jobs > 0 then
    redis.call('HSET', key.claims, worker, kept)
    if redis.call('ZCARD', key.idle) > 0 and first_of(key.idle, profile) and first_of(key.heads, profile) then
      woken[profile] = true
    end
    return { 'jobs', jobs, wakes(), -1 }
  end
  redis.call('ZADD', key.idle, 0, profile .. worker)
  redis.call('HSET', key.claims, worker, profile .. IDLE)
  return { 'jobs', jobs, wakes(), more and 0 or due and math.max(due - now, 0) or -1 }
end
