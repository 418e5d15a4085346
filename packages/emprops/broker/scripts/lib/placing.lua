-- Putting a job into the queue, and finding out which idle workers to wake for it.

local woken = {}

-- `place` is class id and order key in one text; a job keeps it for life.
local function enqueue(id, place)
  local class, order = string.sub(place, 1, 16), string.sub(place, 17)
  redis.call('ZADD', key.pending, 0, place .. id)
  local is_head = first_of(key.pending, class) == place .. id
  local may_wake = redis.call('ZCARD', key.idle) > 0
  if not (is_head or may_wake) then
    return
  end
  local eligible = redis.call('HGET', key.eligible, class)
  for profile, bonus in string.gmatch(eligible or '', '(%x+)=(%d+)') do
    if is_head then
      raise(profile, class, shifted(order, bonus), bonus)
    end
    if may_wake then
      woken[profile] = true
    end
  end
end

-- Profiles to wake: those that were given work and have an idle worker.
local function wakes()
  local list = {}
  for profile in pairs(woken) do
    if first_of(key.idle, profile) then
      list[#list + 1] = profile
    end
  end
  return list
end
