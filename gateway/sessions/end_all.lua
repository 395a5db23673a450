-- Ends all sessions of the user but one. Answers how many.
-- ARGV  6 new epoch of the user   7 session id to keep, or ''   8 '1': keep those of this epoch or a newer one, too

local epoch, keep, older_only, ended = tonumber(ARGV[6]), ARGV[7], ARGV[8] == '1', 0
local remembered = tonumber(redis.call('GET', KEYS[3]) or '0')
redis.call('SET', KEYS[3], text(math.max(epoch, remembered)), 'PX', text(linger))
for _, sid in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local f = family(sid)
  if not f or f.ended then
    redis.call('ZREM', KEYS[1], sid)
  elseif sid == keep then
    redis.call('HSET', prefix .. sid, 'e', text(math.max(epoch, f.epoch)))
  elseif not older_only or f.epoch < epoch then
    bury(sid, 'ended')
    ended = ended + 1
  end
end
return ended
