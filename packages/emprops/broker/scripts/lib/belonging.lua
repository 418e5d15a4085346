-- What an open job belongs to: its requirement class, its customer, its workflow. Each is counted, so that it is known
-- when the last open job has ended.

local function enter_class(class, requirements)
  if redis.call('HINCRBY', key.class_open, class, 1) > 1 then
    return
  end
  redis.call('ZREM', key.class_idle, class)
  if redis.call('ZSCORE', key.class_versions, class) then
    return
  end
  redis.call('ZADD', key.class_versions, redis.call('HINCRBY', key.meta, 'version', 1), class)
  redis.call('HSET', key.classes, class, requirements)
  for _, member in ipairs(redis.call('ZRANGE', key.idle, 0, 999)) do
    woken[string.sub(member, 1, 16)] = true
  end
end

local function leave_class(class)
  if redis.call('HINCRBY', key.class_open, class, -1) < 1 then
    redis.call('HDEL', key.class_open, class)
    redis.call('ZADD', key.class_idle, now, class)
  end
end

local function enter_customer(id, state)
  if state.customer then
    redis.call('HINCRBY', key.customers, state.customer, 1)
    redis.call('ZADD', key.customer_jobs, 0, state.customer .. ' ' .. id)
  end
end

local function leave_customer(id, state)
  if not state.customer then
    return
  end
  if redis.call('HINCRBY', key.customers, state.customer, -1) < 1 then
    redis.call('HDEL', key.customers, state.customer)
  end
  redis.call('ZREM', key.customer_jobs, state.customer .. ' ' .. id)
end

local function load_workflow(workflow)
  local text = redis.call('HGET', key.workflows, workflow)
  return text and cjson.decode(text)
end

local function enter_workflow(id, state, record)
  record.open = record.open + 1
  redis.call('HSET', key.workflows, state.workflow, cjson.encode(record))
  redis.call('ZREM', key.workflow_expiry, state.workflow)
  redis.call('ZADD', key.workflow_jobs, 0, state.workflow .. ' ' .. id)
end

local function leave_workflow(state)
  if not state.workflow then
    return
  end
  local record = load_workflow(state.workflow)
  record.open = record.open - 1
  record[state.status] = record[state.status] + 1
  redis.call('HSET', key.workflows, state.workflow, cjson.encode(record))
  if record.open == 0 then
    redis.call('ZADD', key.workflow_expiry, now + record.keep, state.workflow)
    local fields = {
      'type', 'workflow.ended', 'at', now, 'workflow', state.workflow,
      'completed', record.completed, 'dead', record.dead, 'cancelled', record.cancelled,
    }
    if record.customer then
      fields[#fields + 1] = 'customer'
      fields[#fields + 1] = record.customer
    end
    append_event(fields)
  end
end
