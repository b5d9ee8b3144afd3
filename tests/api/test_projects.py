"""The projects of the organizations a person belongs to."""

import pytest

from runs_app.domain.times import iso
from runs_app.models import Membership, Organization, Project
from tests.api.expectations import refused, without_ids
from tests.conftest import Api, Workspace, make_workspace
from tests.people import Person, actor_token_of, make_person, member_of

PROJECTS = "/api/v1/projects"


def shown(project: Project) -> dict[str, object]:
    organization = project.organization
    return {
        "id": str(project.id),
        "externalRef": project.external_ref,
        "name": project.name,
        "slug": project.slug,
        "createdAt": iso(project.created_at),
        "organization": {
            "id": str(organization.id),
            "title": organization.title,
            "slug": organization.slug,
            "createdAt": iso(organization.created_at),
        },
    }


def test_a_person_sees_the_projects_of_the_own_organizations_alone(
    shop: Workspace, member: Person
) -> None:
    make_workspace("prod")

    answer = member.api.get(PROJECTS)

    assert answer.status == 200
    assert answer.body == [shown(shop.environment.project)]


def test_projects_come_by_organization_and_name(db: None) -> None:
    person = make_person()
    names = [("zoo", "b"), ("acme", "y"), ("zoo", "a"), ("acme", "x")]
    for organization_slug, slug in names:
        organization, is_new = Organization.objects.get_or_create(slug=organization_slug)
        if is_new:
            Membership.objects.create(organization=organization, user=person.user)
        Project.objects.create(organization=organization, slug=slug, name=slug)

    listed = person.api.get(PROJECTS).body

    assert [(one["organization"]["slug"], one["slug"]) for one in listed] == sorted(names)


def test_a_project_is_listed_once_however_many_members_it_has(
    shop: Workspace, member: Person
) -> None:
    member_of(shop, Membership.Role.OWNER)
    member_of(shop, Membership.Role.VIEWER)

    assert len(member.api.get(PROJECTS).body) == 1


def test_a_person_without_an_organization_has_no_projects(shop: Workspace) -> None:
    assert make_person().api.get(PROJECTS).body == []


def test_a_project_is_shown_by_its_ref(shop: Workspace, member: Person) -> None:
    project = shop.environment.project

    answer = member.api.get(f"{PROJECTS}/{project.external_ref}")

    assert answer.status == 200
    assert answer.body == shown(project)


@pytest.mark.parametrize("role", list(Membership.Role))
def test_every_role_sees_the_project(shop: Workspace, role: Membership.Role) -> None:
    person = member_of(shop, role)

    assert len(person.api.get(PROJECTS).body) == 1


def test_a_user_actor_token_sees_what_its_person_sees(shop: Workspace, member: Person) -> None:
    actor = Api(actor_token_of(member, cap=()))
    path = f"{PROJECTS}/{shop.environment.project.external_ref}"

    assert actor.get(PROJECTS).body == member.api.get(PROJECTS).body
    assert actor.get(path).body == member.api.get(path).body


def test_a_project_of_strangers_is_as_unknown_as_one_that_nobody_has(member: Person) -> None:
    foreign = make_workspace("prod").environment.project
    refs = [foreign.external_ref, str(foreign.id), foreign.slug, "proj_" + "x" * 20, "%00", "é"]

    answers = [member.api.get(f"{PROJECTS}/{ref}") for ref in refs]

    for answer in answers:
        assert refused(answer, 404, "not_found")["detail"] == "There is no such project."
    assert [without_ids(answer) for answer in answers] == [without_ids(answers[0])] * len(refs)


def test_a_superuser_sees_no_more_than_the_own_organizations(shop: Workspace) -> None:
    person = make_person()
    person.user.is_superuser = person.user.is_staff = True
    person.user.save()

    assert person.api.get(PROJECTS).body == []
    path = f"{PROJECTS}/{shop.environment.project.external_ref}"
    refused(person.api.get(path), 404, "not_found")


def test_who_leaves_the_organization_sees_the_project_no_more(
    shop: Workspace, member: Person
) -> None:
    Membership.objects.filter(user=member.user).delete()

    assert member.api.get(PROJECTS).body == []
    path = f"{PROJECTS}/{shop.environment.project.external_ref}"
    refused(member.api.get(path), 404, "not_found")
