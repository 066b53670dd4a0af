"""Uploads, starts, pauses, resumes, stops and deletes a print with bambulabs-api.

Usage: bambulabs.py ADDRESS ACCESS_CODE SERIAL ARCHIVE. Waits for what the printer reports, never for time alone.
"""

import sys
import time

import bambulabs_api

LIMIT = 120


def wait_for(what, condition):
    """Polls what the library has heard: it offers nothing to wait on."""
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{what} did not happen; heard: {printer.mqtt_dump()}")
        time.sleep(0.05)


def state():
    return printer.mqtt_dump().get("print", {}).get("gcode_state")


address, code, serial, archive = sys.argv[1:]
printer = bambulabs_api.Printer(address, code, serial)
printer.mqtt_start()
wait_for("the connection", printer.mqtt_client_connected)
wait_for("the full report", lambda: state() == "IDLE")
wait_for("the version", lambda: printer.mqtt_client.firmware_version() == "01.04.00.00")
with open(archive, "rb") as file:
    answer = printer.upload_file(file, "bambulabs.3mf")
if not answer or not answer.startswith("226"):
    sys.exit(f"the upload was answered with {answer}")
if printer.start_print("bambulabs.3mf", 1) is False:
    sys.exit("the start was not sent")
wait_for("the start", lambda: state() == "RUNNING")
printer.pause_print()
wait_for("the pause", lambda: state() == "PAUSE")
printer.resume_print()
wait_for("the resumption", lambda: state() == "RUNNING")
printer.stop_print()
wait_for("the stop", lambda: state() in ("FAILED", "IDLE"))
answer = printer.delete_file("bambulabs.3mf")
if not answer or not answer.startswith("250"):
    sys.exit(f"the deletion was answered with {answer}")
print("printed and deleted")
