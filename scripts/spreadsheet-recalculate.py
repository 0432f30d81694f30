#!/usr/bin/python3
"""Recalculates a spreadsheet whose cells call WEBSERVICE: spreadsheet-recalculate.py SHEET.ods TABLE.csv [--untrusted]

Starts LibreOffice without windows and with a profile of its own, loads the file, and writes its first sheet as CSV. It
takes LibreOffice 7 or newer and its Python bindings (in Debian libreoffice-calc-nogui and python3-uno).

LibreOffice lets cells fetch only what the user allows. Without a user to ask, the file must be in a trusted location,
and must be loaded with the update mode FULL_UPDATE. soffice --convert-to loads it with another mode, so its cells show
Err:540. --untrusted leaves the location out, to see that."""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import xml.sax.saxutils

import uno
from com.sun.star.beans import PropertyValue

FULL_UPDATE = 3
# Commas between, quotes round texts, UTF-8, from the first line on.
CSV_OPTIONS = "44,34,76,1"

SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
 <item oor:path="/org.openoffice.Office.Common/Security/Scripting">
  <prop oor:name="SecureURL" oor:op="fuse"><value><it>%s</it></value></prop>
 </item>
</oor:items>
"""


def prop(name, value):
    made = PropertyValue()
    made.Name, made.Value = name, value
    return made


def connect(pipe, process):
    """The desktop of the LibreOffice that was started; a new profile makes it start twice."""
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            return context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        except uno.getClass("com.sun.star.connection.NoConnectException"):
            time.sleep(0.25)
    sys.exit("LibreOffice did not start within 120 s")


def recalculate(desktop, source, target):
    document = desktop.loadComponentFromURL(
        source.as_uri(), "_blank", 0, (prop("Hidden", True), prop("UpdateDocMode", uno.Any("short", FULL_UPDATE))))
    if document is None:
        sys.exit(f"LibreOffice cannot load {source}")
    document.calculateAll()
    document.storeToURL(target.as_uri(), (
        prop("FilterName", "Text - txt - csv (StarCalc)"), prop("FilterOptions", CSV_OPTIONS)))
    document.close(True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--untrusted", action="store_true", help="let no cell fetch anything")
    options = parser.parse_args()
    source, target = options.source.resolve(), options.target.resolve()
    with tempfile.TemporaryDirectory() as folder:
        profile, pipe = pathlib.Path(folder), "recalculate-" + uuid.uuid4().hex
        (profile / "user").mkdir()
        if not options.untrusted:
            trusted = xml.sax.saxutils.escape(source.parent.as_uri())
            (profile / "user" / "registrymodifications.xcu").write_text(SETTINGS % trusted)
        process = subprocess.Popen(
            ["soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore",
             f"--accept=pipe,name={pipe};urp"], stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            desktop = connect(pipe, process)
            recalculate(desktop, source, target)
            desktop.terminate()
            process.wait(20)
        finally:
            # What it started is in its session.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


main()
