#!/usr/bin/env python3
"""Replays two months of `apus daily` on ERA5, once in peace and once with kills and late files, and compares.

    python3 tools/replay_daily.py ERA5_DIRECTORY WORK_DIRECTORY [--days 60] [--seed 1]

ERA5_DIRECTORY holds era5_msl_2.5deg_6h_*.nc and era5_vo850_2.5deg_6h_*.nc. They are split into one file for each
analysis, which are delivered to both replays as time goes by. In the disturbed one

  - a start in six gets SIGKILL at a random moment (some are over by then: about a tenth is killed), one in
    thirty SIGTERM, and beside one in thirty a second start is tried,
  - an analysis in ten comes late: at the 06 UTC start it is absent or cut off anywhere; half of them are there
    for a start at 18 UTC, the others the next day. Half of the failed starts are not tried again that day.

While a start runs, and after it, a reader looks at what is published: a date must be whole when it is first seen
and never change. At the end every date must have been published once, with the bytes of the undisturbed replay.
Exit code 0 where all that is so. Needs netCDF4.
"""
import argparse
import datetime
import hashlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import netCDF4
import numpy

HOME = pathlib.Path(__file__).resolve().parent.parent
RUN_FILE = """\
name: replay
seed: 7
checkpoints: [{models}/era5_seed1.safetensors]
analyses: {{files: [incoming/era5_*.nc]}}
lead_time_hours: 48
perturbation:
  method: bred_vector
  pairs: 1
  seed_channels: [msl]
  amplitudes: computed
  amplitude_times: {{from: {first}, to: {last}, every_hours: 6}}
output: {{directory: out, every_hours: 12, quantise_bits: 14}}
verification: {{variables: [msl, vo850], every_hours: 24}}
report: {{title: Replay}}
daily:
  product_directory: products
  from: {start}
  catch_up_days: 3
  keep_days: {keep}
  log_file: daily.log
"""


def stamp(moment):
    return moment.strftime("%Y%m%dT%H")


def split(source, target, until):
    """One file an analysis."""
    target.mkdir(parents=True, exist_ok=True)
    archives = [netCDF4.Dataset(next(source.glob(f"era5_{name}_2.5deg_6h_*.nc"))) for name in ("msl", "vo850")]
    times = archives[0]["valid_time"]
    for index, moment in enumerate(netCDF4.num2date(times[:], times.units, only_use_cftime_datetimes=False)):
        path = target / f"era5_{stamp(moment)}.nc"
        if moment > until or path.exists():
            continue
        out = netCDF4.Dataset(target / "new", "w")
        out.createDimension("time", 1)
        for name in ("latitude", "longitude"):
            out.createDimension(name, archives[0].dimensions[name].size)
            axis = out.createVariable(name, "f8", (name,))
            axis.units = archives[0][name].units
            axis[:] = archives[0][name][:]
        clock = out.createVariable("time", "i8", ("time",))
        clock.units, clock.calendar = times.units, times.calendar
        clock[:] = times[index]
        for archive, name, stored in zip(archives, ("msl", "vo850"), ("msl", "vo")):
            field = out.createVariable(name, "f4", ("time", "latitude", "longitude"), zlib=True, complevel=1)
            field.units = archive[stored].units
            field[0] = numpy.squeeze(archive[stored][index])
        out.close()
        (target / "new").rename(path)


class Replay:
    def __init__(self, directory, analyses, options, start):
        self.directory, self.analyses, self.apus = directory, analyses, options.apus
        self.products = directory / "products"
        self.seen, self.gone, self.problems = {}, set(), []
        self.starts = self.seconds = 0
        (directory / "incoming").mkdir(parents=True)
        begin = datetime.datetime(2025, 12, 1)
        (directory / "daily.yml").write_text(RUN_FILE.format(
            models=HOME / "models", first=begin.isoformat(), last=(begin + datetime.timedelta(hours=42)).isoformat(),
            start=start.isoformat(), keep=options.keep_days))

    def deliver(self, moment, part=1.0):
        """Puts an analysis where the run looks for it, whole or cut off."""
        name = f"era5_{stamp(moment)}.nc"
        target = self.directory / "incoming" / name
        if part < 1:
            data = (self.analyses / name).read_bytes()
            target.write_bytes(data[:int(part * len(data))])
            return
        target.unlink(missing_ok=True)
        os.link(self.analyses / name, target)

    def begin(self, now, log):
        command = [self.apus, "daily", "daily.yml", "--now", now.isoformat(), "--threads", "1"]
        return subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=subprocess.STDOUT)

    def start(self, now, ends=None, second=False):
        """One start, ended by a signal after some seconds where `ends` says so: (signal, seconds)."""
        self.starts += 1
        with open(self.directory / "mail", "w+") as mail:
            began = time.monotonic()
            process = self.begin(now, mail)
            rival, signalled = None, False
            while process.poll() is None:
                age = time.monotonic() - began
                if ends and age >= ends[1] and not signalled:
                    process.send_signal(ends[0])
                    signalled = True
                if second and age > 0.1 and rival is None:
                    rival = subprocess.run(
                        [self.apus, "daily", "daily.yml", "--now", now.isoformat()], cwd=self.directory,
                        capture_output=True, text=True)
                    holder = f"held by pid {process.pid} on "
                    if process.poll() is None and not (rival.returncode == 75 and holder in rival.stderr):
                        self.problems.append(f"{now}: second start: {rival.returncode} {rival.stderr}")
                self.look()
                time.sleep(0.005)
            self.seconds += time.monotonic() - began
            mail.seek(0)
            text = mail.read()
        self.look(all_of_it=True)
        return process.returncode, text

    def look(self, all_of_it=False):
        """What a reader sees: every date whole at first sight, the same for ever after."""
        visible = set()
        for entry in os.scandir(self.products) if self.products.exists() else []:
            if not entry.is_dir(follow_symlinks=False) or entry.name.startswith("."):
                continue
            visible.add(entry.name)
            if entry.name in self.seen and not all_of_it:
                continue
            facts = (entry.inode(), self.digest(pathlib.Path(entry.path)))
            if entry.name in self.gone:
                self.problems.append(f"{entry.name} came back")
            if self.seen.setdefault(entry.name, facts) != facts:
                self.problems.append(f"{entry.name} changed after it was published")
        if all_of_it:
            self.gone |= set(self.seen) - visible
            link = self.products / "latest"
            if visible and link.is_symlink() and os.readlink(link) not in visible:
                self.problems.append("latest points nowhere")

    def digest(self, directory):
        """The digest of all of a date's files; notes where they are not what SHA256SUMS says."""
        listed, whole = {}, hashlib.sha256()
        try:
            lines = (directory / "SHA256SUMS").read_text().splitlines()
            listed = {line[66:]: line[:64] for line in lines}
        except OSError:
            self.problems.append(f"{directory.name} was seen without SHA256SUMS")
        found = sorted(str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file())
        if sorted([*listed, "SHA256SUMS"]) != found:
            self.problems.append(f"{directory.name} was seen with other files than SHA256SUMS lists")
        for name in found:
            digest = hashlib.sha256((directory / name).read_bytes()).hexdigest()
            if name != "SHA256SUMS" and listed.get(name) != digest:
                self.problems.append(f"{directory.name}/{name} was seen broken")
            whole.update(f"{name} {digest}\n".encode())
        return whole.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("era5", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep-days", type=int, default=20)
    parser.add_argument("--apus", default=str(HOME / ".build/release/apus"))
    options = parser.parse_args()
    random.seed(options.seed)
    day, hours = datetime.timedelta(days=1), lambda n: datetime.timedelta(hours=n)
    first = datetime.datetime(2025, 12, 5)
    dates = [first + day * n for n in range(options.days)]
    analyses = options.work / "analyses"
    split(options.era5, analyses, dates[-1])
    moments = sorted(datetime.datetime.strptime(p.name[5:16], "%Y%m%dT%H") for p in analyses.glob("era5_*.nc"))
    for name in ("peace", "trouble"):
        shutil.rmtree(options.work / name, ignore_errors=True)

    began = time.monotonic()
    peace = Replay(options.work / "peace", analyses, options, first)
    for date in dates:
        for moment in moments:
            if date - day < moment <= date or (date == first and moment <= date):
                peace.deliver(moment)
        code, text = peace.start(date + hours(6))
        if code != 0 or text.count("\n") != 1:
            peace.problems.append(f"{date}: exit code {code}: {text}")
    typical = peace.seconds / peace.starts
    print(f"undisturbed: {peace.starts} starts, {len(peace.seen)} dates, {typical:.2f} s a start", flush=True)

    trouble = Replay(options.work / "trouble", analyses, options, first)
    late, counts = [], dict.fromkeys(("killed", "terminated", "rivals", "late", "cut off", "ended with 75"), 0)

    def disturbed(now):
        dice = random.random()
        ends = None
        if dice < 0.16 + 1 / 30:
            ends = (signal.SIGKILL if dice < 0.16 else signal.SIGTERM, random.uniform(0, typical))
        code, text = trouble.start(now, ends, second=random.random() < 1 / 30 and counts.update(
            rivals=counts["rivals"] + 1) is None)
        counts["killed"] += code == -signal.SIGKILL
        counts["terminated"] += bool(ends) and ends[0] == signal.SIGTERM and code == 75
        counts["ended with 75"] += code == 75
        if code not in (0, 75) and not (ends and code == -ends[0]):
            trouble.problems.append(f"{now}: exit code {code}: {text}")
        return code

    for date in dates:
        for moment in late:
            trouble.deliver(moment)
        late = []
        for moment in moments:
            if not (date - day < moment <= date or (date == first and moment <= date)):
                continue
            if random.random() < 0.1 and date != first:
                counts["late"] += 1
                late.append(moment)
                if random.random() < 0.5:
                    counts["cut off"] += 1
                    trouble.deliver(moment, random.random())
            else:
                trouble.deliver(moment)
        code = disturbed(date + hours(6))
        for moment in [m for m in late if random.random() < 0.5]:
            late.remove(moment)
            trouble.deliver(moment)
        if code != 0 and random.random() < 0.5:
            disturbed(date + hours(18))
    for moment in late:
        trouble.deliver(moment)
    for _ in range(2):
        code, text = trouble.start(dates[-1] + hours(6))
    if code != 0:
        trouble.problems.append(f"the last start: exit code {code}: {text}")
    print(f"disturbed: {trouble.starts} starts, " + ", ".join(f"{n} {k}" for k, n in counts.items())
          + f" (of {len(moments)} analyses)", flush=True)

    for problem in peace.problems + trouble.problems:
        print("PROBLEM", problem)
    wanted = {stamp(date) for date in dates}
    lacking = wanted ^ set(peace.seen) | wanted ^ set(trouble.seen)
    different = [name for name in sorted(wanted - lacking) if peace.seen[name][1] != trouble.seen[name][1]]
    tables = [(r.products / "verification.csv").read_bytes() for r in (peace, trouble)]
    kept = [sorted(p.name for p in r.products.iterdir()) for r in (peace, trouble)]
    same = not lacking and not different and tables[0] == tables[1] and kept[0] == kept[1]
    print(f"dates published {len(trouble.seen)} of {len(wanted)}, lacking {sorted(lacking)}, different {different}")
    print(f"table of scores: {len(tables[0].splitlines()) - 1} lines, {'same' if tables[0] == tables[1] else 'DIFFERENT'}"
          f"; still there: {len(kept[0])} and {len(kept[1])} entries")
    good = same and not peace.problems and not trouble.problems
    print(f"{'same bytes' if good else 'FAILED'} after {time.monotonic() - began:.0f} s")
    sys.exit(0 if good else 1)


main()
