"""The cloud's side of a printer's link: numbered commands over a broker that comes and goes.

Usage: cloud.py PORT AUTHORITY USER PASSWORD SERIAL COUNT. Prints "acknowledged N" as acknowledgements arrive, and at the
end what was lost and what was doubled.
"""

import collections
import json
import queue
import sys

import paho.mqtt.client as mqtt

port, authority, user, password, serial, count = sys.argv[1:]
count = int(count)
heard = queue.Queue()
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="cloud", clean_session=False)
client.username_pw_set(user, password)
client.tls_set(ca_certs=authority)
client.reconnect_delay_set(1, 1)
client.max_queued_messages_set(0)
client.on_connect = lambda *_: client.subscribe(f"device/{serial}/report", qos=2)
client.on_message = lambda _client, _data, message: heard.put(json.loads(message.payload))
client.connect("127.0.0.1", int(port), keepalive=5)
client.loop_start()


def next_report(what):
    try:
        return heard.get(timeout=120)
    except queue.Empty:
        sys.exit(f"{what} did not arrive")


while next_report("the first report").get("print", {}).get("command") != "push_status":
    pass
print("reports arrive", flush=True)
acknowledged = collections.Counter()
sent = 0
while len(acknowledged) < count:
    while sent < count and sent < len(acknowledged) + 10:
        command = {"command": "ledctrl", "led_node": "chamber_light", "led_mode": "on", "sequence_id": str(sent)}
        client.publish(f"device/{serial}/request", json.dumps({"system": command}), qos=2)
        sent += 1
    told = next_report(f"an acknowledgement after {len(acknowledged)}").get("system", {})
    if told.get("command") == "ledctrl":
        acknowledged[int(told["sequence_id"])] += 1
        print(f"acknowledged {len(acknowledged)}", flush=True)
# Whatever comes twice comes before the answer to a last question.
client.publish(f"device/{serial}/request", json.dumps({"info": {"command": "get_version", "sequence_id": "last"}}), qos=2)
while (told := next_report("the last answer")).get("info", {}).get("sequence_id") != "last":
    if told.get("system", {}).get("command") == "ledctrl":
        acknowledged[int(told["system"]["sequence_id"])] += 1
lost = [number for number in range(count) if number not in acknowledged]
doubled = [number for number, times in acknowledged.items() if times > 1]
print(json.dumps({"lost": lost, "doubled": doubled}))
