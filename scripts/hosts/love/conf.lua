-- conf.lua - a small window; with the argument "headless" none at all, for tests and servers.
function love.conf(t)
  t.identity, t.version = "lunagrad-harbour", "11.4"
  t.window.title, t.window.width, t.window.height = "The harbour", 640, 360
  for _, word in ipairs(arg or {}) do
    if word == "headless" then
      for name in ("window graphics audio sound joystick physics video"):gmatch "%a+" do
        t.modules[name] = false
      end
    end
  end
end
