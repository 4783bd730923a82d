"""How much light the materials of the synthetic landscape reflect: red, green, blue, near infrared, in 1/10000."""

from __future__ import annotations

SPECTRA = {
    "grass": (820, 1060, 610, 3300),
    "wheat": (2150, 1800, 1100, 2900),
    "maize": (470, 760, 400, 4200),
    "young crop": (1050, 1080, 740, 3000),
    "rapeseed": (1650, 1700, 480, 4200),
    "bare soil": (1780, 1420, 1080, 2350),
    "meadow": (900, 1200, 640, 3700),
    "wood": (520, 700, 460, 2900),
    "water": (430, 600, 640, 190),
    "asphalt": (1180, 1160, 1150, 1330),
    "gravel": (2050, 1880, 1600, 2420),
    "paving": (1980, 1930, 1820, 2150),
    "paint": (3300, 3300, 3200, 3300),
    "tree": (360, 580, 320, 3700),
    "red tile": (2250, 1180, 830, 2550),
    "brown tile": (1420, 980, 790, 1900),
    "slate": (960, 960, 1010, 1100),
    "light metal": (3150, 3200, 3250, 3200),
    "blue metal": (1150, 1650, 2450, 2200),
    "rusty metal": (2050, 1500, 1150, 2450),
    "grey sheet": (1800, 1790, 1760, 1950),
}

# Distance of the rows in pixels, how far they change the light (share), and what lies between them.
ROWS = {
    "wheat": (4.2, 0.07, "bare soil"),
    "maize": (3.2, 0.20, "bare soil"),
    "young crop": (4.6, 0.34, "bare soil"),
    "rapeseed": (5.0, 0.06, "grass"),
    "bare soil": (3.6, 0.10, "wheat"),
    "meadow": (9.0, 0.05, "grass"),
    "wood": (7.0, 0.0, "grass"),
}

# In shadow, light comes from the sky alone, which has more blue and little near infrared.
SHADOW = (0.36, 0.42, 0.53, 0.30)
