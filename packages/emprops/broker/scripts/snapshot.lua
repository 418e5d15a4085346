-- Read the state of jobs, and the event at which it is true.
--
-- The jobs are those of the given ids, all those of the given workflows, and the open ones of the given customers, both of
-- which are named with spaces between them; if it is asked for, the running ones. A job that is not open comes with an empty
-- state: what is archived is read after.
--
-- keys: events states leases workflow_jobs customer_jobs
-- args: workflows customers running most ids*
-- returns: id of the newest event, then id and state of each job

local newest = redis.call('XREVRANGE', key.events, '+', '-', 'COUNT', 1)
local answer = { newest[1] and newest[1][1] or '0-0' }

local function add(id)
  answer[#answer + 1] = id
  answer[#answer + 1] = redis.call('HGET', key.states, id) or ''
end

local function add_all(members, prefix)
  for _, member in ipairs(members) do
    add(string.sub(member, #prefix + 1))
  end
end

for _, id in ipairs(arg.ids) do
  add(id)
end
for workflow in string.gmatch(arg.workflows, '%S+') do
  local prefix = workflow .. ' '
  add_all(redis.call('ZRANGE', key.workflow_jobs, '[' .. prefix, '[' .. prefix .. '\255', 'BYLEX', 'LIMIT', 0, arg.most), prefix)
end
for customer in string.gmatch(arg.customers, '%S+') do
  local prefix = customer .. ' '
  add_all(redis.call('ZRANGE', key.customer_jobs, '[' .. prefix, '[' .. prefix .. '\255', 'BYLEX', 'LIMIT', 0, arg.most), prefix)
end
if arg.running == '1' then
  add_all(redis.call('ZRANGE', key.leases, 0, arg.most - 1), '')
end
return answer
