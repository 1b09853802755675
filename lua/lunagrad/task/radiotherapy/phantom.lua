--- Phantoms: a slice of a pelvis through the isocentre, by seed, and what each beamlet does in it.
--
-- Millimetres; x to the patient's left, y to the front, the isocentre in the target's middle. The
-- slice lies in an ellipse of water with two heads of bone; target, bladder and rectum are ellipses
-- that overlap a little, as they do with the margin around a prostate. The dose of a beamlet is a
-- pencil beam of 6 MV photons in two dimensions: build-up and attenuation along its radiological
-- depth (the first component of Bortfeld's decomposition of 1993, m = 0.005066, beta = 0.3252 per
-- mm), divergence from a source at a metre, and sideways a narrow Gaussian with a wide one for
-- scatter. Model: no real patient, no real machine. Values are rounded to 2^-20 so that libraries
-- whose exp differs in the last bit make the same phantom.

local rng = require "lunagrad.rng"

local phantom = {}

local SOURCE = 1000.0             -- mm from the isocentre
local ATTENUATION, BUILD_UP = 0.005066, 0.3252
local BONE = 1.35                 -- density of the femoral heads, of water's
local NARROW, WIDE, SCATTER = 4.0, 16.0, 0.12 -- mm, mm, and the wide one's share
local LEAST = 0.004               -- of the dose of a wide beam: less is left out
local FEW = 40                    -- voxels, some 4 ms, between pauses
local MARGIN = 5.0                -- mm that the beams are wider than the target

-- ---- anatomy -------------------------------------------------------------------

local function ellipse(x, y, a, b) return { x = x, y = y, a = a, b = b } end

local function inside(e, x, y)
  local u, v = (x - e.x) / e.a, (y - e.y) / e.b
  return u * u + v * v <= 1
end

-- Where organs lie and how large they are: of the size of grown men's, drawn evenly.
local function anatomy(seed)
  local r = rng.new(seed):fork "pelvis"
  local function between(low, high) return low + (high - low) * r:float() end
  local a, b = between(27, 36), between(24, 31)
  local body = ellipse(between(-4, 4), between(2, 14), between(165, 195), between(102, 122))
  local bladder = ellipse(between(-6, 6), 0, between(28, 38), between(19, 28))
  bladder.y = b + bladder.b - between(5, 9)
  local rectum = ellipse(between(-5, 5), 0, between(15, 21), between(13, 19))
  rectum.y = -b - rectum.b + between(4, 7)
  local radius, out, up = between(21, 26), between(86, 100), between(-4, 14)
  return { body = body, target = ellipse(0, 0, a, b), bladder = bladder, rectum = rectum,
    left = ellipse(out, up, radius, radius), right = ellipse(-out, up, radius, radius) }
end

-- ---- a beam --------------------------------------------------------------------

-- Where a ray, at + t · (dx, dy), enters and leaves an ellipse; nil: it does not.
local function crossed(e, x, y, dx, dy)
  local px, py, qx, qy = (x - e.x) / e.a, (y - e.y) / e.b, dx / e.a, dy / e.b
  local a, b, c = qx * qx + qy * qy, px * qx + py * qy, px * px + py * py - 1
  local root = b * b - a * c
  if root <= 0 then return nil end
  root = math.sqrt(root)
  return (-b - root) / a, (-b + root) / a
end

-- Water that is as thick as what lies between the surface and a point, for the beam's ray there.
local function depth(slice, beam, x, y)
  local sx, sy = beam.x, beam.y
  local dx, dy = x - sx, y - sy
  local length = math.sqrt(dx * dx + dy * dy)
  dx, dy = dx / length, dy / length
  local from = crossed(slice.body, sx, sy, dx, dy)
  if not from then return 0 end
  local water = math.max(length - from, 0)
  for _, head in ipairs { slice.left, slice.right } do
    local near, far = crossed(head, sx, sy, dx, dy)
    if near and near < length then
      water = water + (BONE - 1) * (math.min(far, length) - near)
    end
  end
  return water
end

local function along(d)
  return BUILD_UP / (BUILD_UP - ATTENUATION)
    * (math.exp(-ATTENUATION * d) - math.exp(-BUILD_UP * d))
end

-- The normal distribution's integral (Abramowitz and Stegun 26.2.17, to 7.5e-8).
local function normal(x)
  local t = 1 / (1 + 0.2316419 * math.abs(x))
  local tail = math.exp(-x * x / 2) * 0.3989422804014327 * t * (0.319381530 + t * (-0.356563782
    + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return x >= 0 and 1 - tail or tail
end

-- What a beamlet that is so wide gives at a distance from its middle.
local function across(off, width)
  local from, to = off - width / 2, off + width / 2
  return (1 - SCATTER) * (normal(to / NARROW) - normal(from / NARROW))
    + SCATTER * (normal(to / WIDE) - normal(from / WIDE))
end

-- A beam from an angle (0: from the front, 90: from the left), with the beamlets that meet the target.
local function make_beam(slice, angle, width, first)
  local turn = math.rad(angle)
  local ux, uy = math.sin(turn), math.cos(turn)
  local half = math.sqrt((slice.target.a * uy) ^ 2 + (slice.target.b * ux) ^ 2) + MARGIN
  local most = math.ceil(half / width - 0.5)
  return { x = SOURCE * ux, y = SOURCE * uy, ux = ux, uy = uy, first = first, most = most,
    beamlets = 2 * most + 1, angle = angle }
end

local function beams_of(slice, settings)
  local list, columns = {}, 0
  for i = 1, settings.beams do
    list[i] = make_beam(slice, 360.0 * (i - 1) / settings.beams, settings.beamlet, columns)
    columns = columns + list[i].beamlets
  end
  return list, columns
end

-- What a beam gives to a point: columns and values, behind those that are there.
local function add_entries(slice, beam, x, y, width, columns, values)
  local towards = SOURCE - (x * beam.ux + y * beam.uy)
  local scale = SOURCE / towards
  local off = (x * beam.uy - y * beam.ux) * scale
  local open = along(depth(slice, beam, x, y)) * scale * scale
  for k = -beam.most, beam.most do
    local value = open * across(off - k * width, width)
    if value >= LEAST then
      columns[#columns + 1] = beam.first + beam.most + k + 1
      values[#values + 1] = math.floor(value * 0x1p20 + 0.5) * 0x1p-20
    end
  end
end

-- ---- the phantom ---------------------------------------------------------------

local ORDER = { "target", "bladder", "rectum", "left", "right" }
local NAMES = { target = "PTV", bladder = "bladder", rectum = "rectum", left = "femoral heads",
  right = "femoral heads" }

-- The structures that hold a point; the first one's aim is the point's.
local function structures_at(slice, x, y)
  local list = {}
  for _, part in ipairs(ORDER) do
    if inside(slice[part], x, y) then list[#list + 1] = NAMES[part] end
  end
  if #list == 0 then list[1] = "body" end
  return list
end

--- A phantom's rows one after the other: what the beamlets give to each voxel.
---@param seed integer|string
---@param settings {voxel: number, beamlet: number, beams: integer}
---@param add fun(structures: string[], columns: integer[], values: number[])
---@param pause? fun() called after every few voxels
---@return integer columns beamlets of all beams
function phantom.each(seed, settings, add, pause)
  local slice = anatomy(seed)
  local beams, n_columns = beams_of(slice, settings)
  local step, body, count = settings.voxel, slice.body, 0
  for j = math.ceil((body.y - body.b) / step), math.floor((body.y + body.b) / step) do
    for i = math.ceil((body.x - body.a) / step), math.floor((body.x + body.a) / step) do
      local x, y = i * step, j * step
      if inside(body, x, y) then
        local columns, values = {}, {}
        for _, beam in ipairs(beams) do
          add_entries(slice, beam, x, y, settings.beamlet, columns, values)
        end
        add(structures_at(slice, x, y), columns, values)
        count = count + 1
        if pause and count % FEW == 0 then pause() end
      end
    end
  end
  return n_columns
end

return phantom
