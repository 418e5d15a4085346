-- Call a workflow off: it takes no more jobs, and its open jobs are named for `cancel`.
--
-- keys: workflows workflow_jobs states
-- args: workflow after
-- errors: workflow_not_found
-- returns: the last of the jobs that it looked at, empty at the end, and those of them that are open

local record = load_workflow(arg.workflow)
if not record then
  return refuse('workflow_not_found', { workflow = arg.workflow })
end
if not record.closed then
  record.closed = true
  redis.call('HSET', key.workflows, arg.workflow, cjson.encode(record))
end
local prefix = arg.workflow .. ' '
local members = redis.call('ZRANGE', key.workflow_jobs,
  '(' .. prefix .. arg.after, '[' .. prefix .. '\255', 'BYLEX', 'LIMIT', 0, 500)
local open, last = {}, ''
for _, member in ipairs(members) do
  last = string.sub(member, #prefix + 1)
  if redis.call('HEXISTS', key.states, last) == 1 then
    open[#open + 1] = last
  end
end
return { #members == 500 and last or '', open }
