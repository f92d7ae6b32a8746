"""A cable that takes its time and loses frames, in the place of a host's own: slow-cable.py NETNS TAP ADDRESS DELAY_MS LOSS_PERCENT SEED

Runs in the bastion's network namespace. A tap on the bridge and one in the host's namespace; each frame is handed on after
half of the delay, or not at all. What netem of tc(8) does where the kernel has it. Says `ready`; counts on standard output
when it is told to end.
"""
import ctypes, fcntl, heapq, os, random, select, signal, struct, subprocess, sys, time

netns, name, address, delay_ms, loss_percent, seed = sys.argv[1:]
one_way_s = float(delay_ms) / 2000
loss = float(loss_percent) / 100
dice = random.Random(int(seed))
TUNSETIFF, IFF_TAP, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0002, 0x1000, 0x40000000


def tap(interface):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", interface.encode(), IFF_TAP | IFF_NO_PI))
    return fd


def ip(*words):
    subprocess.run(["ip", *words], check=True)


bastion_side = tap(name)
ip("link", "set", name, "master", "br0", "up")
with open(f"/run/netns/{netns}") as file:
    if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
host_side = tap("slow0")
with open("/proc/self/net/dev") as file:
    assert "host0:" in file.read()
mac = subprocess.run(["ip", "-o", "link", "show", "host0"], check=True, capture_output=True, text=True).stdout
mac = mac.split("link/ether ")[1].split()[0]
# The same address and the same card, as far as anybody can see.
ip("addr", "del", f"{address}/24", "dev", "host0")
ip("link", "set", "host0", "down")
ip("link", "set", "slow0", "address", mac, "up")
ip("addr", "add", f"{address}/24", "dev", "slow0")

ending = False


def end(*_):
    global ending
    ending = True


signal.signal(signal.SIGTERM, end)
print("ready", flush=True)

other = {bastion_side: host_side, host_side: bastion_side}
waiting, passed, lost, number = [], 0, 0, 0
while not ending:
    pause = max(0, waiting[0][0] - time.monotonic()) if waiting else 0.5
    readable, _, _ = select.select(list(other), [], [], pause)
    for fd in readable:
        frame = os.read(fd, 65536)
        if dice.random() < loss:
            lost += 1
        else:
            number += 1
            heapq.heappush(waiting, (time.monotonic() + one_way_s, number, other[fd], frame))
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, fd, frame = heapq.heappop(waiting)
        try:
            os.write(fd, frame)
            passed += 1
        except OSError:
            lost += 1
os.close(host_side)
os.close(bastion_side)
ip("link", "set", "host0", "up")
ip("addr", "add", f"{address}/24", "dev", "host0")
print(f"{passed} passed, {lost} lost", flush=True)
