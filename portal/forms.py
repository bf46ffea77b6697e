"""The forms of accounts and teams."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask_security import LoginForm, RegisterFormV2
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField, SubmitField, ValidationError
from wtforms.validators import InputRequired, Length

from portal.current import here, people
from portal.people import MEMBER, OWNER, Invitation

NAME_CHARACTERS_MAX = 200
EMAIL_CHARACTERS_MAX = 254  # RFC 5321, 4.5.3.1.3


class WithoutRemembering(LoginForm):
    """Nobody is remembered for a year: a session ends after half a day."""

    remember = None


class Registration(RegisterFormV2):
    """E-mail and password, and either the company or an invitation."""

    company = StringField(
        "Company",
        [Length(max=NAME_CHARACTERS_MAX)],
        filters=[lambda typed: " ".join((typed or "").split())],
        description="Colleagues whom you invite share its connections.",
    )
    invitation = HiddenField(default=lambda: request.args.get("invitation", ""))

    def found_invitation(self) -> Invitation | None:
        return people().find_invitation(self.invitation.data or "") if self.invitation.data else None

    def validate(self, **kwargs: Any) -> bool:
        is_fine = super().validate(**kwargs)
        invitation = self.found_invitation()
        wrong = ""
        if self.invitation.data and invitation is None:
            wrong = "This invitation has ended or was withdrawn. Ask for a new one, or register without it."
        elif invitation is not None and self.email.data != invitation.email:
            wrong = f"This invitation is for {invitation.email}."
        elif invitation is None and not here().post.sends:
            wrong = "Whoever hosts this has set no mail server (MAIL_URL): one can only come by an invitation."
        elif invitation is None and not self.company.data:
            self.company.errors = ["Type the name of your company."]
        if wrong:
            self.email.errors = [*self.email.errors, wrong]
        return is_fine and not wrong and not self.company.errors


class Invite(FlaskForm):  # type: ignore[misc]  # flask-wtf is untyped
    email = StringField("E-mail", [InputRequired(), Length(max=EMAIL_CHARACTERS_MAX)])
    role = SelectField("Role", choices=[(MEMBER, "Member"), (OWNER, "Owner")])
    submit = SubmitField("Invite")

    def validate_email(self, field: StringField) -> None:
        try:
            field.data = current_app.extensions["security"]._mail_util.validate(field.data or "")  # noqa: SLF001
        except ValueError as error:
            raise ValidationError("This is no e-mail address.") from error


class Rename(FlaskForm):  # type: ignore[misc]
    name = StringField("Company", [InputRequired(), Length(max=NAME_CHARACTERS_MAX)])
    submit = SubmitField("Rename")
