-- Let a worker go in an orderly way.
--
-- Jobs that it still holds are not touched: the worker gives them back first, or their leases run out.
--
-- keys: workers worker_expiry claims turns idle profile_workers profile_idle events
-- args: worker
-- errors: worker_unknown
-- returns: nothing

local record = redis.call('HGET', key.workers, arg.worker)
if not record then
  return refuse('worker_unknown', { worker_id = arg.worker })
end
remove_worker(arg.worker, record)
append_event({ 'type', 'worker.left', 'at', now, 'worker', arg.worker })
return 1
