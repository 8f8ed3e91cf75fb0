"""Who works when: the plan of a week, and somebody's shifts."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from services.tickets import shifts
from services.tickets.api.common import Body, Id
from services.tickets.certifications import today
from services.tickets.shifts import ShiftDayView, ShiftsView, SpanView, WeeklySpan
from services.tickets.views.shifts import ShiftWeek, shift_week
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["shifts"])
Spans = Annotated[
    list[SpanView],
    Field(max_length=10, examples=[[{"starts": "08:00", "ends": "12:00"}, {"starts": "12:30", "ends": "16:30"}]]),
]


class ShiftWeekBody(Body):
    week: Annotated[
        list[WeeklySpan], Field(max_length=70, examples=[[{"weekday": 0, "starts": "08:00", "ends": "16:30"}]])
    ]


class ShiftDayBody(Body):
    spans: Spans = Field(default=[], description="None: a day off.")
    reason: Annotated[str, Field(max_length=shifts.MAX_REASON, examples=["Swapped with Dan"])] = ""


@router.get("/shifts", summary="The plan of a week")
async def get_week(session: Tx, settings: Cfg, me: Me, day: date | None = None) -> ShiftWeek:
    """Of the week that `day` lies in, else of this one; with how many are there in each open hour."""
    me.require(Permission.SHIFT_WRITE)
    return await shift_week(session, settings, day or today(settings))


@router.get("/people/{person_id}/shifts", summary="Somebody's shifts")
async def get_shifts(session: Tx, settings: Cfg, me: Me, person_id: Id) -> ShiftsView:
    """One's own, or anybody's for who plans. Days that differ are told from today on."""
    if person_id != me.id:
        me.require(Permission.SHIFT_WRITE)
    return await shifts.shifts_of(session, person_id, today(settings))


@router.put("/people/{person_id}/shifts", summary="Plan somebody's week")
async def set_week(session: Tx, me: Me, person_id: Id, body: ShiftWeekBody) -> list[WeeklySpan]:
    """Replaces it. What lies between two spans of a day is a break; an empty week ends the planning."""
    return await shifts.set_week(session, me, person_id, body.week)


@router.put("/people/{person_id}/shifts/{day}", summary="Plan a day that differs")
async def set_day(session: Tx, me: Me, person_id: Id, day: date, body: ShiftDayBody) -> ShiftDayView:
    return await shifts.set_day(session, me, person_id, day, body.spans, body.reason)


@router.delete("/people/{person_id}/shifts/{day}", status_code=204, summary="Make it a day like every week's")
async def remove_day(session: Tx, me: Me, person_id: Id, day: date) -> None:
    await shifts.remove_day(session, me, person_id, day)
