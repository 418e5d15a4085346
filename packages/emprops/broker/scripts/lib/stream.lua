-- Appending to the event stream.

local function append_event(fields)
  redis.call('XADD', key.events, 'MAXLEN', '~', arg.events_kept, '*', unpack(fields))
end
