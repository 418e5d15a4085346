-- Give a worker the first jobs in the order that it can run.
--
-- The top of `heads` for the worker's profile is a bound on the best class: if it is stale it is corrected and the next
-- top is looked at, else the first job of that class is taken. Each stale bound is corrected once, so the cost does not
-- grow with jobs or classes. A claim whose answer was lost is asked again with the same ticket and gives the same jobs.
--
-- keys: meta synced workers claims idle pending heads bounds eligible states specs payloads leases delayed events
-- args: worker ticket count lease_ms
-- transitions: claim ready
-- errors: worker_unknown
-- returns: `sync` and the versions to judge, or `jobs`, the jobs, the profiles to wake and the ms until the next job is due

local record = redis.call('HGET', key.workers, arg.worker)
if not record then
  return refuse('worker_unknown', { worker_id = arg.worker })
end
local profile = string.sub(record, 1, 16)
redis.call('ZREM', key.idle, profile .. arg.worker)

local taken = {}
local function hand_over(id, state)
  taken[#taken + 1] = {
    id, state.attempt, state.used, redis.call('ZSCORE', key.leases, id),
    redis.call('HGET', key.specs, id), redis.call('HGET', key.payloads, id),
  }
end

local before = redis.call('HGET', key.claims, arg.worker)
if before then
  local ticket, ids = string.match(before, '^(%S+) ?(.*)$')
  if ticket == arg.ticket then
    for id, attempt in string.gmatch(ids, '(%S+)=(%d+)') do
      local state = load_state(id)
      if state and state.status == status.running and state.attempt == tonumber(attempt) then
        hand_over(id, state)
      end
    end
    return { 'jobs', taken, {}, -1 }
  end
end

local judged = tonumber(redis.call('HGET', key.synced, profile) or 0)
local version = tonumber(redis.call('HGET', key.meta, 'version') or 0)
if judged < version then
  return { 'sync', judged, version }
end

promote(100)

local exhausted = false
local function take()
  for _ = 1, 1000 do
    local top = first_of(key.heads, profile)
    if not top then
      return false
    end
    local standing, class = string.sub(top, 17, 40), string.sub(top, 41)
    local head = first_of(key.pending, class)
    if not head then
      redis.call('ZREM', key.heads, top)
      redis.call('HDEL', key.bounds, profile .. class)
    else
      local bonus = string.sub(redis.call('HGET', key.bounds, profile .. class), 25)
      local bound = shifted(string.sub(head, 17, 40), tonumber(bonus))
      if bound == standing then
        local id = string.sub(head, 41)
        local state = load_state(id)
        state.status = status.running
        state.attempt = state.attempt + 1
        state.worker = arg.worker
        state.since = now
        redis.call('ZREM', key.pending, head)
        redis.call('ZADD', key.leases, now + arg.lease_ms, id)
        save_state(id, state)
        emit('job.claimed', id, state, { 'worker', arg.worker, 'attempt', state.attempt })
        hand_over(id, state)
        return true
      end
      redis.call('ZREM', key.heads, top)
      redis.call('ZADD', key.heads, 0, profile .. bound .. class)
      redis.call('HSET', key.bounds, profile .. class, bound .. bonus)
    end
  end
  exhausted = true
  return false
end

local ticket = arg.ticket
for _ = 1, tonumber(arg.count) do
  if not take() then
    break
  end
  ticket = ticket .. ' ' .. taken[#taken][1] .. '=' .. taken[#taken][2]
end

local until_due = -1
if #taken > 0 then
  redis.call('HSET', key.claims, arg.worker, ticket)
  if first_of(key.heads, profile) then
    woken[profile] = true
  end
else
  redis.call('ZADD', key.idle, 0, profile .. arg.worker)
  local due = redis.call('ZRANGE', key.delayed, 0, 0, 'WITHSCORES')
  if due[2] then
    until_due = math.max(due[2] - now, 0)
  end
  if exhausted then
    until_due = 0
  end
end
return { 'jobs', taken, wakes(), until_due }
