-- Admits and counts one, or refuses: `Window.take` in gateway/sessions/window.py, step by step.
--
-- KEYS  1 the window: first, then last and count of each group
-- ARGV  1 now in ms, or '' for the server's clock   2 period ms   3 grain ms   4 limit
-- Returns whether it was admitted, how many count now, ms until all are free, ms until one is.

local server = redis.call('TIME')
local clock = tonumber(ARGV[1]) or (server[1] * 1000 + math.floor(server[2] / 1000))
local period, grain, limit = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local numbers = {}
for number in string.gmatch(redis.call('GET', KEYS[1]) or '', '%d+') do
  numbers[#numbers + 1] = tonumber(number)
end
local first = numbers[1] or 0
local newest = numbers[#numbers - 1] or 0
if newest > clock + period then
  numbers, newest = {}, 0
end
local now = math.max(clock, newest)

local groups, used = {}, 0
for i = 2, #numbers, 2 do
  if numbers[i] + period > now then
    groups[#groups + 1] = {numbers[i], numbers[i + 1]}
    used = used + numbers[i + 1]
  end
end

local allowed = used < limit
if allowed then
  used = used + 1
  if #groups > 0 and now - first <= grain then
    groups[#groups] = {now, groups[#groups][2] + 1}
  else
    first = now
    groups[#groups + 1] = {now, 1}
  end
  local parts = {string.format('%.0f', first)}
  for _, group in ipairs(groups) do
    parts[#parts + 1] = string.format('%.0f %.0f', group[1], group[2])
  end
  redis.call('SET', KEYS[1], table.concat(parts, ' '), 'PX', string.format('%.0f', now + period - clock))
end

local reset = groups[#groups][1] + period - now
local retry, surplus = 0, used - limit
if surplus >= 0 then
  for _, group in ipairs(groups) do
    surplus = surplus - group[2]
    if surplus < 0 then
      retry = group[1] + period - now
      break
    end
  end
end
return {allowed and 1 or 0, used, reset, retry}
