"""Pictures of each tab, light and dark, wide and narrow."""

import shutil
import subprocess
import time

from page.browser import HEIGHT, WIDTH

#: The example that shows most of a tab.
SHOWN = {"answer": "line", "graph": "line", "derivative": "option-price", "plot": "rosenbrock", "json": "line", "curl": "line", "python": "line", "r": "line", "javascript": "line"}
SIZES = {WIDTH: HEIGHT, 360: 780}


def take(browser, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        for width, height in SIZES.items():
            browser.resize(width, height)
            for tab, example in SHOWN.items():
                browser.open()
                browser.choose("#examples", example)
                browser.tab(tab)
                # Until what is drawn of an answer stands still.
                time.sleep(1)
                path = folder / f"{tab}-{scheme}-{width}.png"
                browser.screenshot(path)
                shrink(path)
    total = sum(path.stat().st_size for path in folder.glob("*.png"))
    print(f"{len(list(folder.glob('*.png')))} pictures, {total} bytes, in {folder}")


def shrink(path):
    """Smaller files where there are programs for it; a page has few colours."""
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--skip-if-larger", "--output", path, "64", path], check=False)
    if shutil.which("optipng"):
        subprocess.run(["optipng", "-quiet", "-o2", path], check=False)
