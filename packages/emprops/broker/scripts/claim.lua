-- Give a worker the first jobs in the order that it can run.
--
-- The top of `heads` for the worker's profile is a bound on the best class: if it is stale it is corrected and the next
-- top is looked at, else the first job of that class is taken. Each stale bound is corrected once, so the cost does not
-- grow with jobs or classes. A claim whose answer was lost is asked again with the same ticket and gives the same jobs.
--
-- keys: meta claims idle pending heads bounds eligible classes states requests leases delayed deadlines events
-- args: worker ticket count lease_ms
-- transitions: claim ready
-- errors: worker_unknown
-- returns: `sync` and the versions to judge, or `jobs`, the jobs, the profiles to wake and the ms until the next job is due

local answer = claim_jobs(arg.worker, arg.ticket, tonumber(arg.count), arg.lease_ms)
if answer[1] == 'unregistered' then
  return refuse('worker_unknown', { worker_id = arg.worker })
end
return answer
