"""The way from one spatial reference to another, over longitude and latitude, and what of the world it can show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tilepack.errors import AreaOfInterestError
from tilepack.pixels.mask import Floats
from tilepack.spatial import WEB_MERCATOR_WKIDS

if TYPE_CHECKING:
    from pyproj import CRS

_SQUARE_LATITUDES: Final = {True: 85.05112877980660, False: 85.08405915560}
"""Latitudes at which web mercator's, and any other normal mercator's, world is as high as it is wide."""

_TRANSVERSE_HALF: Final = 80.0
"""Degrees on either side of the central meridian that transverse projections are asked for; at 90 they are infinite."""

_NEARLY_POLE: Final = 0.9999
"""Part of 90 degrees up to which longitudes are told apart, about a kilometre from the pole."""

_MARGIN: Final = 30.0
"""Degrees around the area that a projection is meant for which are still asked of it."""

_POLAR: Final = 60.0
"""Degrees of latitude from which on an azimuthal projection shows a pole and all meridians."""

_ENDLESS: Final = 4e10
"""Metres; a thousand times the earth's girth is as good as infinite."""


def is_same(source: CRS, target: CRS) -> bool:
    """Tell whether coordinates mean the same in both, whatever the names."""
    from pyproj import Transformer  # noqa: PLC0415  takes 100 ms
    from pyproj.exceptions import ProjError  # noqa: PLC0415

    if is_web_mercator(source) and is_web_mercator(target):
        return True
    if source.equals(target, ignore_axis_order=True):
        return True
    try:
        return str(Transformer.from_crs(source, target, always_xy=True).definition).startswith("proj=noop")
    except ProjError:
        return False


def is_web_mercator(crs: CRS) -> bool:
    """Tell whether coordinates are web mercator's, by number or by what the projection computes."""
    authority = crs.to_authority()
    if authority and authority[1].isdigit() and int(authority[1]) in WEB_MERCATOR_WKIDS:
        return True
    operation = crs.coordinate_operation
    return (
        operation is not None
        and operation.method_name == "Popular Visualisation Pseudo Mercator"
        and all(float(param.value) == 0 for param in operation.params if "alse" in param.name or "origin" in param.name)
        and crs.axis_info[0].unit_conversion_factor == 1
        and crs.ellipsoid is not None
        and crs.ellipsoid.semi_major_metre == 6378137
    )


def world_width(crs: CRS) -> float | None:
    """Give how far it is once around the world, in the units of the coordinates; None where x does not run around."""
    if crs.is_geographic:
        return 2 * math.pi / float(crs.axis_info[0].unit_conversion_factor)
    return 2 * math.pi * 6378137 if is_web_mercator(crs) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """From the source to the target, over the longitudes and latitudes of the target."""

    to_angles: Any
    """pyproj.Transformer, or None where the source's coordinates are those angles."""
    from_angles: Any
    """Likewise, or None where the target's are."""
    ratio: float | None
    """Units of the angles in one of the source's x, where x runs around the world."""
    from_degrees: bool
    """Whether the source's coordinates are angles too."""
    source_centre: float
    """The x of the source that lies in the middle of the window, where x runs around the world."""
    circle: float
    """Once around, in the units of the angles."""
    centre: float
    """Longitude in the middle of the window, in the units of the angles, as are those below."""
    half: float
    """Half the window's width."""
    south: float
    """Latitude at which the window begins."""
    north: float
    """Latitude at which it ends."""
    pole: float
    """Latitude, north or south, to which seams are closed: that of the pole which the source's plane shows."""
    magnitude: float
    """Largest coordinate in the target, of either sign, that was met within the window; units of the target."""

    @classmethod
    def between(cls, source: CRS, target: CRS, left: float | None) -> Way:
        """Find the way.

        Raises:
            AreaOfInterestError: There is none.
        """
        from pyproj import Transformer  # noqa: PLC0415  takes 100 ms
        from pyproj.exceptions import CRSError, ProjError  # noqa: PLC0415

        try:
            source, target = source.to_2d(), target.to_2d()
            angles = target if target.is_geographic else target.geodetic_crs
            if angles is None:
                raise AreaOfInterestError(
                    f"{target.name} has no place on earth; give the area in the cache's coordinates"
                )
            same = source.is_geographic and source.equals(angles, ignore_axis_order=True)
            to_angles = None if same else Transformer.from_crs(source, angles, always_xy=True)
            onwards = None if angles is target else Transformer.from_crs(angles, target, always_xy=True)
        except (CRSError, ProjError) as error:
            raise AreaOfInterestError(
                f"there is no way from {source.name} to the cache's {target.name}: {error}; reproject the area first"
            ) from None
        unit = float(angles.axis_info[0].unit_conversion_factor)
        circle = 2 * math.pi / unit
        centre = 0.0 if left is None else left + circle / 2
        half, south, north, magnitude = circle / 2, -circle / 4, circle / 4, circle
        if onwards is not None:
            centre = _central_meridian(target, unit)
            half, south, north, magnitude = _window(onwards, target, centre, circle)
            if centre:
                # Opposite a central meridian other than 0, rounding alone would choose the side of the map.
                half = min(half, circle / 2 * (1 - 1e-12))
        area = source.area_of_use
        pole = south if area is not None and area.south + area.north < 0 else north
        around = world_width(source)
        ratio = None if around is None else circle / around
        offset = 0.0
        if ratio and to_angles is not None:
            # Prime meridians may differ.
            zero = float(to_angles.transform(0.0, 0.0)[0])
            offset = zero if math.isfinite(zero) else 0.0
        return cls(
            to_angles=to_angles,
            from_angles=onwards,
            ratio=ratio,
            from_degrees=bool(source.is_geographic),
            source_centre=(centre - offset) / ratio if ratio else 0.0,
            circle=circle,
            centre=centre,
            half=half,
            south=south,
            north=north,
            pole=pole,
            magnitude=magnitude,
        )

    def angles(self, points: Floats) -> Floats:
        """Give longitudes and latitudes (n, 2) within the window of points (n, 2) of the source.

        Raises:
            AreaOfInterestError: A point lies nowhere on earth.
        """
        turned = points.copy() if self.to_angles is None else self._turn(points)
        lost = ~np.isfinite(turned).all(axis=1)
        if lost.any():
            x, y = points[lost][0]
            raise AreaOfInterestError(
                f"the point {x:.10g}, {y:.10g} of the area lies nowhere on earth; "
                "check the spatial reference it is said to be in"
            )
        longitude = turned[:, 0]
        if self.ratio is None:
            beyond = np.abs(longitude - self.centre) > self.circle / 2
            longitude[beyond] -= self.circle * np.round((longitude[beyond] - self.centre) / self.circle)
        np.clip(longitude, self.centre - self.half, self.centre + self.half, out=longitude)
        np.clip(turned[:, 1], self.south, self.north, out=turned[:, 1])
        return turned

    def _turn(self, points: Floats) -> Floats:
        """Give longitudes and latitudes, not yet within any window."""
        if self.ratio is None:
            return np.column_stack(self.to_angles.transform(points[:, 0], points[:, 1]))
        # Where x runs around the world, longitudes run on with it: a point that a change of datum pushes across the
        # antimeridian, or that rounding puts a hair beyond it, does not come out on the other side of the map.
        asked = points.copy()
        if self.from_degrees:
            # At the pole itself a change of datum would make all longitudes one.
            limit = _NEARLY_POLE * self.circle / 4 / self.ratio
            np.clip(asked[:, 1], -limit, limit, out=asked[:, 1])
        turned = np.column_stack(self.to_angles.transform(asked[:, 0], asked[:, 1]))
        turns = np.round((turned[:, 0] - asked[:, 0] * self.ratio) / self.circle)
        # What lies nowhere on earth stays infinite and is refused by whoever asked.
        turned[:, 0] -= np.where(np.isfinite(turns), turns, 0.0) * self.circle
        if self.from_degrees:
            turned[:, 1] += (points[:, 1] - asked[:, 1]) * self.ratio
        return turned

    def project(self, angles: Floats) -> Floats:
        """Give points (n, 2) of the target from longitudes and latitudes within the window.

        Raises:
            AreaOfInterestError: The projection fails there.
        """
        if self.from_angles is None:
            return angles
        points = np.column_stack(self.from_angles.transform(angles[:, 0], angles[:, 1]))
        if not np.isfinite(points).all():
            longitude, latitude = angles[~np.isfinite(points).all(axis=1)][0]
            raise AreaOfInterestError(
                f"the area reaches to longitude {longitude:.6g}, latitude {latitude:.6g}, where the cache's projection "
                "is not defined; cut the area nearer to the cache"
            )
        return points


def _central_meridian(target: CRS, unit: float) -> float:
    """Give the longitude about which a projection is laid out, in the units of its angles."""
    operation = target.coordinate_operation
    for param in operation.params if operation is not None else ():
        if param.name.lower().startswith("longitude of"):
            return float(param.value) * float(param.unit_conversion_factor) / unit
    area = target.area_of_use
    if area is None:
        return 0.0
    east = area.east + 360 if area.east < area.west else area.east
    return math.radians((area.west + east) / 2) / unit


def _window(onwards: Any, target: CRS, centre: float, circle: float) -> tuple[float, float, float, float]:
    """Find the longitudes and latitudes about the central meridian that a projection can show.

    Returns:
        Half the width, the southern and the northern limit, and the largest coordinate within.
    """
    degree = circle / 360
    reach, south, north = _sensible(target, centre / degree)
    steps = np.array([0, 5, 10, 20, 30, 45, 60, 70, 80, 90, 100, 120, 140, 160, 179, 180])
    steps = np.append(steps[steps < reach], reach)
    across = np.concatenate((-steps[:0:-1], steps)).astype(float)
    up = np.array([-90, -89, -85, -80, -70, -60, -45, -30, -15, 0, 15, 30, 45, 60, 70, 80, 85, 89, 90], dtype=float)
    up = np.unique(np.clip(up, south, north))
    x, y = np.meshgrid(across, up)
    projected = np.stack(onwards.transform(centre + x * degree, y * degree))
    size = np.abs(projected).max(axis=0) * float(target.axis_info[0].unit_conversion_factor)
    good = np.isfinite(size) & (size < _ENDLESS)
    best = max(
        (
            (wide, bottom, top)
            for wide in range(len(steps))
            for bottom in range(len(up))
            for top in range(bottom + 1, len(up))
            if good[bottom : top + 1, len(steps) - 1 - wide : len(steps) + wide].all()
        ),
        key=lambda window: (steps[window[0]] + 1) * (up[window[2]] - up[window[1]]),
        default=None,
    )
    if best is None:
        raise AreaOfInterestError(f"{target.name} cannot be computed from longitudes and latitudes here")
    wide, bottom, top = best
    within = projected[:, bottom : top + 1, len(steps) - 1 - wide : len(steps) + wide]
    return float(steps[wide]) * degree, float(up[bottom]) * degree, float(up[top]) * degree, float(np.abs(within).max())


def _sensible(target: CRS, centre: float) -> tuple[float, float, float]:
    """Give, in degrees, half a width and the latitudes beyond which a projection is of no use, finite or not.

    Far from where they are meant for, projections fold over, and the world's far side comes to lie on the near one.
    """
    operation = target.coordinate_operation
    method = operation.method_name if operation is not None else ""
    if any(word in method for word in ("Transverse", "Gauss")):
        return _TRANSVERSE_HALF, -90.0, 90.0
    if "Mercator" in method and "Oblique" not in method:
        limit = _SQUARE_LATITUDES[is_web_mercator(target)]
        return 180.0, -limit, limit
    reach, south, north = 180.0, -90.0, 90.0
    area = target.area_of_use
    if area is not None:
        south, north = max(south, area.south - _MARGIN), min(north, area.north + _MARGIN)
        sides = [(side - centre + 180) % 360 - 180 for side in (area.west, area.east)]
        if sides[0] < sides[1] and "Conic" not in method:
            reach = min(reach, max(abs(sides[0]), abs(sides[1])) + _MARGIN)
    elif any(word in method for word in ("Azimuthal", "Stereographic", "Orthographic", "Gnomonic")):
        # No more than the half of the earth that is centred where the projection is.
        middle = next(
            (
                math.degrees(float(param.value) * float(param.unit_conversion_factor))
                for param in (operation.params if operation is not None else ())
                if param.name.startswith("Latitude of") and param.unit_name
            ),
            0.0,
        )
        south, north = max(south, middle - _TRANSVERSE_HALF), min(north, middle + _TRANSVERSE_HALF)
        reach = 180.0 if abs(middle) > _POLAR else _TRANSVERSE_HALF
    return reach, south, north
