-- Chains of rotating refresh tokens: each answer's token is spent once, by one later request.
-- A failed rotation ends its chain; an empty pool sends a bad token, which counts as an error.

local common = dofile(os.getenv("BENCH_COMMON"))
local pool, headers = {}, nil

function init()
  pool = common.lines()
  headers = { ["Content-Type"] = "application/json" }
end

function request()
  local token = table.remove(pool) or "none-left"
  return wrk.format("POST", "/auth/refresh/", headers, '{"refresh":"' .. token .. '"}')
end

function response(status, _, body)
  local token = status == 200 and body:match('"refresh"%s*:%s*"([^"]+)"')
  if token then
    pool[#pool + 1] = token
  end
end

function done(summary, latency)
  common.report(summary, latency)
end
