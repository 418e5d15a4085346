-- Read the state of jobs, and the event at which it is true.
--
-- The jobs are those of the given ids and those of the given workflows, whose names are separated by spaces; without either,
-- the running ones. A job that is not open comes with an empty state: what is archived is read after.
--
-- keys: events states leases workflow_jobs
-- args: workflows running most ids*
-- returns: id of the newest event, then id and state of each job

local newest = redis.call('XREVRANGE', key.events, '+', '-', 'COUNT', 1)
local answer = { newest[1] and newest[1][1] or '0-0' }

local function add(id)
  answer[#answer + 1] = id
  answer[#answer + 1] = redis.call('HGET', key.states, id) or ''
end

for _, id in ipairs(arg.ids) do
  add(id)
end
for workflow in string.gmatch(arg.workflows, '%S+') do
  local prefix = workflow .. ' '
  local members = redis.call('ZRANGE', key.workflow_jobs, '[' .. prefix, '[' .. prefix .. '\255', 'BYLEX', 'LIMIT', 0, arg.most)
  for _, member in ipairs(members) do
    add(string.sub(member, #prefix + 1))
  end
end
if arg.running == '1' then
  for _, id in ipairs(redis.call('ZRANGE', key.leases, 0, arg.most - 1)) do
    add(id)
  end
end
return answer
