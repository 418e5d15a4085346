-- What every script needs: the clock, and refusals.

local now
if arg.now ~= '' then
  now = tonumber(arg.now)
else
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function refuse(code, detail)
  return redis.error_reply('EMP ' .. code .. ' ' .. cjson.encode(detail))
end
