-- Ends all sessions of the user but one. Answers how many.
-- ARGV  6 new epoch of the user   7 session id to keep, or ''

local epoch, keep, ended = tonumber(ARGV[6]), ARGV[7], 0
local remembered = tonumber(redis.call('GET', KEYS[3]) or '0')
redis.call('SET', KEYS[3], text(math.max(epoch, remembered)), 'PX', text(linger))
for _, sid in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local f = family(sid)
  if not f or f.ended then
    redis.call('ZREM', KEYS[1], sid)
  elseif sid == keep then
    redis.call('HSET', prefix .. sid, 'e', text(math.max(epoch, f.epoch)))
  else
    bury(sid, 'ended')
    ended = ended + 1
  end
end
return ended
